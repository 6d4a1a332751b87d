// Builds what the browser is sent, ../alloy_nb/notebook/static/. `node build.mjs` writes the files;
// `node build.mjs --check` writes nothing and fails where a committed file is not what the sources give.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
const STATIC = join(HERE, "..", "alloy_nb", "notebook", "static");
const ENTRIES = {
  "widget.js": "hub.ts",
  "stub.js": "stub.ts",
  "team.js": "team.ts",
  "jobs.js": "jobs.ts",
  "math.js": "math.ts",
};
// Bytes. Each page loads the first once a kernel, the second once a run, the third once a kernel with teams, the fourth
// once a table of jobs.
const LARGEST = {
  "widget.js": 250_000,
  "stub.js": 1_000,
  "team.js": 60_000,
  "jobs.js": 20_000,
  "math.js": 400_000,
};
const ALSO = ["package.json", "package-lock.json", "tsconfig.json", "build.mjs"];
// The innermost: a package may carry one of its own.
const PACKAGE = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/;

const sha256 = (content) => createHash("sha256").update(content).digest("hex");
const posix = (path) => path.split(sep).join("/");

/** Every file that the result depends on, relative to this folder. */
function sources() {
  const found = readdirSync(join(HERE, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => posix(relative(HERE, join(entry.parentPath, entry.name))));
  return [...found, ...ALSO].sort();
}

/** One hash of all sources, the same whatever line ends a checkout has. */
function sourcesHash() {
  const state = createHash("sha256");
  for (const path of sources()) {
    const content = readFileSync(join(HERE, path), "utf8").replaceAll("\r\n", "\n");
    state.update(`${path}\0${content}\0`);
  }
  return state.digest("hex");
}

async function bundle(entry, banner) {
  const result = await build({
    absWorkingDir: HERE,
    entryPoints: [`src/widget/${entry}`],
    bundle: true,
    format: "esm",
    target: "es2022",
    minify: true,
    charset: "utf8",
    legalComments: "none",
    alias: { "linkify-it": "./src/widget/no-linkify.ts", "uc.micro": "./src/widget/signs.ts" },
    banner: { js: banner },
    outdir: "out",
    metafile: true,
    write: false,
    logLevel: "warning",
  });
  return { content: Buffer.from(result.outputFiles[0].contents), inputs: Object.keys(result.metafile.inputs) };
}

/** The licence of each package that is part of a bundle. */
function licences(inputs) {
  const folders = new Set(inputs.map((path) => PACKAGE.exec(path)?.[0]).filter(Boolean));
  const parts = [...folders].sort().map((path) => {
    const folder = join(HERE, path);
    const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).sort().find((item) => /^(licen[cs]e|copying)/i.test(item));
    if (!file) throw new Error(`${name} carries no licence text`);
    const text = readFileSync(join(folder, file), "utf8").replaceAll("\r\n", "\n").trim();
    return `${"=".repeat(80)}\n${name} ${version} (${license})\n\n${text}\n`;
  });
  return `The JavaScript in this folder contains these packages.\n\n${parts.join("\n")}`;
}

/** Name -> content of every file of the folder. */
async function files() {
  const hash = sourcesHash();
  const banner = `// Generated from labextension/ by build.mjs; do not edit. ${hash.slice(0, 16)}`;
  const made = {};
  const inputs = [];
  for (const [name, entry] of Object.entries(ENTRIES)) {
    const bundled = await bundle(entry, banner);
    made[name] = bundled.content;
    inputs.push(...bundled.inputs);
    if (bundled.content.length > LARGEST[name]) {
      throw new Error(`${name} has ${bundled.content.length} bytes; at most ${LARGEST[name]} are allowed`);
    }
  }
  made["LICENSES.txt"] = Buffer.from(licences(inputs));
  const digests = Object.fromEntries(Object.keys(made).sort().map((name) => [name, sha256(made[name])]));
  made["stamp.json"] = Buffer.from(`${JSON.stringify({ sources: hash, files: digests }, null, 1)}\n`);
  return made;
}

function differing(made) {
  return Object.keys(made).filter((name) => {
    const path = join(STATIC, name);
    return !existsSync(path) || !readFileSync(path).equals(made[name]);
  });
}

try {
  const made = await files();
  if (process.argv.includes("--check")) {
    const stale = differing(made);
    if (stale.length) throw new Error(`not what labextension/ gives: ${stale.join(", ")}`);
  } else {
    mkdirSync(STATIC, { recursive: true });
    for (const [name, content] of Object.entries(made)) writeFileSync(join(STATIC, name), content);
  }
  for (const [name, content] of Object.entries(made)) console.log(`${name}  ${content.length}`);
} catch (error) {
  console.error(`ERROR: ${error.message}`);
  process.exitCode = 1;
}
