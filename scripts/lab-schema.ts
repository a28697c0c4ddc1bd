import {
  type ChainNodeParser,
  type CompletedConfig,
  createFormatter,
  createParser,
  createProgram,
  DEFAULT_CONFIG,
  SchemaGenerator,
  type SubNodeParser,
} from 'ts-json-schema-generator';
import type { Node, NodeArray, TypeNode } from 'typescript5';

/* Prints the JSON schema of the files that `ioth lab` reads, made from their type: `npm run schema` writes lab.schema.json. */

const ROOT_TYPE = 'LabFile';

const config: CompletedConfig = {
  ...DEFAULT_CONFIG,
  path: 'lib/cli/lab/config-file.ts',
  tsconfig: 'tsconfig.json',
  type: ROOT_TYPE,
  skipTypeCheck: true,
  topRef: false,
  additionalProperties: false,
};

/** `NoInfer<T>` is T: the generator does not know it. */
function noInfer(parsers: ChainNodeParser): SubNodeParser {
  type Reference = Node & { typeName?: { text?: string }; typeArguments?: NodeArray<TypeNode> };
  return {
    supportsNode: (node) => (node as Reference).typeName?.text === 'NoInfer',
    createType: (node, context) => parsers.createType((node as Reference).typeArguments![0]!, context),
  };
}

const program = createProgram(config);
const parser = createParser(program, config, (parsers) => {
  (parsers as ChainNodeParser).addNodeParser(noInfer(parsers as ChainNodeParser));
});
const schema = new SchemaGenerator(program, parser, createFormatter(config), config).createSchema(ROOT_TYPE);
process.stdout.write(`${JSON.stringify(schema, null, 2)}\n`);
