// SPDX-License-Identifier: GPL-3.0-or-later
// A small stand-in for what Flamenco Manager gives to a job type. node author.js JOB_TYPE.js < SETTINGS.json
// prints {"job_type": …, "tasks": […]}, or {"refused": …} for what the job type throws.

const fs = require("fs");
const vm = require("vm");

class Task {
    constructor(name, type) {
        if (!name.trim() || !type.trim()) {
            throw "a task needs a name and a type";
        }
        Object.assign(this, { name, type, commands: [], dependencies: [] });
    }
    addCommand(command) { this.commands.push(command); }
    addDependency(task) { this.dependencies.push(task.name); }
}

const two = (number) => String(number).padStart(2, "0");
const basename = (file) => file.split(/[\\/]/).pop();
const globals = {
    print: () => {},
    alert: () => {},
    author: {
        Task: function (name, type) { return new Task(name, type); },
        Command: function (name, parameters) { return { name, parameters }; },
    },
    path: {
        basename,
        dirname: (file) => file.replace(/[\\/][^\\/]*$/, "") || "/",
        join: (...parts) => parts.join("/"),
        stem: (file) => basename(file).replace(/\.[^.]*$/, ""),
    },
    formatTimestampLocal: (time) =>
        `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}` +
        `_${two(time.getHours())}${two(time.getMinutes())}${two(time.getSeconds())}`,
};

vm.createContext(globals);
vm.runInContext(`${fs.readFileSync(process.argv[2], "utf8")}\nthis.JOB_TYPE = JOB_TYPE;`, globals);
const given = JSON.parse(fs.readFileSync(0, "utf8"));
const settings = {};
for (const setting of globals.JOB_TYPE.settings) {
    if (setting.key in given) {
        settings[setting.key] = given[setting.key];
    } else if ("default" in setting) {
        settings[setting.key] = setting.default;
    } else if (setting.required) {
        throw new Error(`the job lacks ${setting.key}`);
    }
}
const tasks = [];
const job = { settings, created: new Date(2026, 10, 27, 8, 30, 0), addTask: (task) => tasks.push(task) };
try {
    globals.compileJob(job);
    console.log(JSON.stringify({ job_type: globals.JOB_TYPE, tasks }));
} catch (error) {
    console.log(JSON.stringify({ refused: String(error) }));
}
