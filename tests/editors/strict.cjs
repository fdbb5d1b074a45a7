// Compiles the schemas that are named, in the strict mode of Ajv, which SchemaStore uses, too.
const Ajv = require("ajv");
const fs = require("fs");
for (const file of process.argv.slice(2)) {
  const schema = JSON.parse(fs.readFileSync(file, "utf8"));
  new Ajv({ strict: true, strictRequired: false, allowUnionTypes: true }).compile(schema);
}
