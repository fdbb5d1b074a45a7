/**
 * Builds the editor component of the workbench from the packages of package-lock.json:
 *
 *     node .ci/editor/build.mjs [FOLDER]
 *
 * Writes codemirror.js.gz, LICENSE.txt and packages.json. The same packages give the same bytes on every machine: pako
 * compresses in JavaScript, where zlib's output depends on its version.
 */

import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";
import { gzip } from "pako";

const HERE = dirname(fileURLToPath(import.meta.url));
const FOLDER = process.argv[2] ?? join(HERE, "../../simulator/vendorsim/server/workbench/codemirror");

const { outputFiles, metafile } = await build({
  absWorkingDir: HERE,
  entryPoints: ["entry.js"],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "none",
  metafile: true,
  write: false,
  banner: { js: "/* CodeMirror 6 and what it needs; licences: LICENSE.txt. Built by .ci/editor/build.mjs. */" },
});

const folders = new Set(Object.keys(metafile.inputs).flatMap((path) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? []));
const packages = [...folders].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(join(HERE, folder, "package.json"), "utf8"));
  const file = readdirSync(join(HERE, folder)).find((one) => /^licen[cs]e/i.test(one));
  return { name, version, license, text: readFileSync(join(HERE, folder, file), "utf8").trim() };
});

mkdirSync(FOLDER, { recursive: true });
writeFileSync(join(FOLDER, "codemirror.js.gz"), gzip(outputFiles[0].contents, { level: 9 }));
writeFileSync(join(FOLDER, "packages.json"), `${JSON.stringify(packages.map(({ text, ...told }) => told), null, 2)}\n`);
writeFileSync(join(FOLDER, "LICENSE.txt"), licences(packages));

/** The texts of the licences, each once, under the packages that it belongs to. */
function licences(all) {
  const texts = new Map();
  for (const { name, version, text } of all) texts.set(text, [...(texts.get(text) ?? []), `${name} ${version}`]);
  return [...texts].map(([text, names]) => `${names.join("\n")}\n\n${text}\n`).join(`\n${"-".repeat(80)}\n\n`);
}
