// Bundles scripts and styles into internal/portal/assets/dist, named after
// their content, with a manifest that the server reads.
import { build } from "esbuild";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "../internal/portal/assets/dist");

await mkdir(out, { recursive: true });
for (const old of await readdir(out)) if (old !== ".keep") await rm(join(out, old));

const result = await build({
  absWorkingDir: here,
  entryPoints: ["src/app.ts", "src/app.css"],
  entryNames: "[name]-[hash]",
  outdir: out,
  bundle: true,
  minify: true,
  target: ["chrome109", "firefox115", "safari16"],
  legalComments: "linked",
  metafile: true,
  logLevel: "warning",
});

const manifest = {};
for (const [file, info] of Object.entries(result.metafile.outputs)) {
  if (info.entryPoint) manifest[basename(info.entryPoint).replace(/\.ts$/, ".js")] = basename(file);
}
await writeFile(join(out, "manifest.json"), JSON.stringify(manifest, null, 1) + "\n");

// The packages of others whose code is in what was written, for the bill of materials.
const packages = new Set();
for (const { inputs } of Object.values(result.metafile.outputs)) {
  for (const file of Object.keys(inputs)) {
    const folder = file.slice(Math.max(file.indexOf("node_modules/"), 0)).match(/^.*node_modules\/(@[^/]+\/)?[^/]+/);
    if (folder) packages.add(folder[0]);
  }
}
await writeFile(join(out, "packages.json"), JSON.stringify([...packages].sort(), null, 1) + "\n");
for (const [name, file] of Object.entries(manifest)) console.log(`${name} -> ${file}`);
