// SPDX-License-Identifier: GPL-3.0-or-later
// A job type of Flamenco 3: textures the mesh objects of a scene in the style of one picture, some objects a task, and
// gathers the textures in a copy of the scene. How to install it: docs/farm.md.

const JOB_TYPE = {
    label: "StyleTex",
    description: "Texture the meshes of the scene in the style of a picture",
    settings: [
        { key: "style", type: "string", subtype: "file_path", required: true,
          description: "The picture whose style to take; where all workers find it by this path" },
        { key: "prompt", type: "string", default: "",
          description: "What the objects are, in a few words. Empty: each object's name says what it is" },
        { key: "content", type: "string", default: "",
          description: "What the picture shows, to keep it out of the textures" },
        { key: "which", label: "Objects", type: "string", choices: ["visible", "selected"], default: "visible",
          description: "Which mesh objects of the view layer to texture" },
        { key: "preset", type: "string", choices: ["draft", "balanced", "paper"], default: "balanced",
          description: "How long to optimise" },
        { key: "size", type: "string", choices: ["256", "512", "1024", "2048", "4096", "8192"], default: "1024",
          description: "Side of each texture in texels" },
        { key: "seed", type: "int32", default: 0, propargs: { min: 0 },
          description: "Makes the textures repeatable" },
        { key: "profile", label: "Model", type: "string", choices: ["bundled", "sd15", "sdxl"], default: "bundled",
          description: "Which diffusion model; sd15 and sdxl must be on the workers' disks" },
        { key: "device", type: "string", choices: ["auto", "cuda", "cpu", "mps"], default: "auto",
          description: "Where the workers compute; with cuda, choose a worker tag for machines that have a card" },
        { key: "chunk_size", label: "Objects per Task", type: "int32", default: 10, propargs: { min: 1, max: 1000 },
          visible: "submission",
          description: "How many objects one task textures. More of them load the model less often" },
        { key: "output", type: "string", subtype: "file_path", required: true, visible: "submission",
          eval: "str(abspath('//') / (Path(bpy.data.filepath).stem + '-textured.blend'))",
          evalInfo: { showLinkButton: true, description: "Beside the scene" },
          description: "The copy of the scene that gets the textures; where all workers can write" },

        // What the artist does not set:
        { key: "blendfile", type: "string", required: true, visible: "web",
          description: "The scene" },
        { key: "objects", type: "string", required: true, visible: "web",
          eval: "__import__('json').dumps(sorted([o.data.name_full, o.name] for o in " +
                "(C.selected_objects if settings.which == 'selected' else C.view_layer.objects) " +
                "if o.type == 'MESH' and o.visible_get()))",
          description: "Mesh and name of each object, as JSON" },
        { key: "scripts", type: "string", default: "{styletex}/styletex_blender", visible: "hidden",
          description: "Folder of StyleTex's scripts on the workers" },
    ],
};

function compileJob(job) {
    const settings = job.settings;
    const chunks = chunksOf(JSON.parse(settings.objects), settings.chunk_size);
    if (chunks.length == 0) {
        throw `There is no ${settings.which} mesh object to texture`;
    }
    const stem = path.stem(settings.output);
    const parts = path.join(path.dirname(settings.output), `${stem}-parts-${formatTimestampLocal(job.created)}`);

    const gather = author.Task("gather", "blender");
    chunks.forEach((names, index) => {
        const number = String(index + 1).padStart(4, "0");
        const task = author.Task(`texture-${number}`, "blender");
        task.addCommand(blender(settings, "headless.py", [
            `--style=${settings.style}`,
            ...(settings.prompt ? [`--prompt=${settings.prompt}`] : ["--prompt-from-name"]),
            `--content=${settings.content || ""}`,
            `--preset=${settings.preset}`,
            `--size=${settings.size}`,
            `--seed=${settings.seed}`,
            `--profile=${settings.profile}`,
            `--device=${settings.device}`,
            `--output=${path.join(parts, `part-${number}.blend`)}`,
            "--objects", ...names,
        ]));
        job.addTask(task);
        gather.addDependency(task);
    });
    gather.addCommand(blender(settings, "gather.py", [
        `--parts=${parts}`, `--count=${chunks.length}`, `--output=${settings.output}`,
    ]));
    job.addTask(gather);
}

// Names of at most `size` objects each. Objects that share a mesh share its texture, so they stay together, also where
// they are more than that; they come one after the other.
function chunksOf(objects, size) {
    const groups = [];
    objects.forEach(([mesh, name], index) => {
        if (index == 0 || objects[index - 1][0] != mesh) {
            groups.push([]);
        }
        groups[groups.length - 1].push(name);
    });
    const chunks = [];
    for (const group of groups) {
        const last = chunks[chunks.length - 1];
        if (last && last.length + group.length <= size) {
            last.push(...group);
        } else {
            chunks.push(group);
        }
    }
    return chunks;
}

function blender(settings, script, scriptArguments) {
    return author.Command("blender-render", {
        exe: "{blender}",
        exeArgs: "{blenderArgs}",
        argsBefore: [],
        blendfile: settings.blendfile,
        args: ["--python-exit-code", "1", "-P", `${settings.scripts}/${script}`, "--", ...scriptArguments],
    });
}
