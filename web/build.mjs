// One script and one style sheet per page, into callcenter/web/static/, which is committed: who runs the service needs
// no node. Beside each page stands PAGE.build.json: the sources it was made of with their hashes, and the hashes of
// what was made, so that a test sees without node whether the two agree (tests/unit/web/test_bundles.py).
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";

const here = import.meta.dirname;
const target = path.resolve(here, "../callcenter/web/static");
const chosen = process.argv.slice(2);
const pages = readdirSync(path.join(here, "src"))
  .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"))
  .map((name) => name.slice(0, -3))
  .filter((page) => chosen.length === 0 || chosen.includes(page));

const sha256 = (content) => createHash("sha256").update(content).digest("hex");
const read = (file) => readFileSync(path.join(here, file));

/** Licence texts of the packages that the bundle holds: they ask to be handed on with it. */
function licences(packages) {
  return [...packages].sort().map((name) => {
    const folder = path.join(here, "node_modules", name);
    const { version, license } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e(\.|$)/i.test(entry));
    const text = file ? readFileSync(path.join(folder, file), "utf8").trim() : license;
    return `${name} ${version} (${license})\n\n${text}\n`;
  });
}

for (const page of pages) {
  const { metafile, outputFiles } = await build({
    absWorkingDir: here,
    entryPoints: [`src/${page}.ts`],
    outdir: target,
    write: false,
    bundle: true,
    minify: true,
    format: "esm",
    target: ["chrome110", "firefox115", "safari16"],
    charset: "utf8",
    legalComments: "none",
    metafile: true,
    define: { "process.env.NODE_ENV": '"production"', "process.env.NODE_DEBUG": "undefined" },
    banner: { js: `/* ${page}: made by make web; licences: ${page}.licences.txt */` },
  });
  const inputs = Object.keys(metafile.inputs).filter((file) => existsSync(path.join(here, file)));
  const sources = inputs.filter((file) => !file.startsWith("node_modules/"));
  const packages = new Set(
    inputs
      .filter((file) => file.startsWith("node_modules/"))
      .map((file) => file.split("/").slice(1, file.startsWith("node_modules/@") ? 3 : 2).join("/")),
  );
  const made = outputFiles.map(({ path: file, contents }) => [path.basename(file), Buffer.from(contents)]);
  if (packages.size > 0) made.push([`${page}.licences.txt`, Buffer.from(licences(packages).join(`\n${"-".repeat(80)}\n\n`))]);
  for (const [name, content] of made) writeFileSync(path.join(target, name), content);
  const toolchain = ["build.mjs", "package-lock.json", "tsconfig.json"];
  const record = {
    sources: Object.fromEntries([...sources, ...toolchain].sort().map((file) => [file, sha256(read(file))])),
    made: Object.fromEntries(made.map(([name, content]) => [name, sha256(content)]).sort()),
  };
  writeFileSync(path.join(target, `${page}.build.json`), `${JSON.stringify(record, null, 1)}\n`);
  console.log(`${page}: ${made.map(([name, content]) => `${name} ${Math.ceil(content.length / 1024)} kB`).join(", ")}`);
}
