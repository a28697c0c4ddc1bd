// typedoc reads the API of TypeScript 5 and 6, which 7 has no more: here it gets the 5 that is installed beside it.
export function resolve(specifier, context, next) {
  return next(specifier === 'typescript' ? 'typescript5' : specifier, context);
}
