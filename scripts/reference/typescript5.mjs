// typedoc needs the API of TypeScript 5 or 6, which 7 no longer has: this gives it the installed version 5.
export function resolve(specifier, context, next) {
  return next(specifier === 'typescript' ? 'typescript5' : specifier, context);
}
