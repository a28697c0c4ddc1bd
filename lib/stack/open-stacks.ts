/** The part of a stack that the list needs. */
interface ListedStack {
  readonly closed: boolean;
}

const listed = new Set<WeakRef<ListedStack>>();

/** Adds a stack to {@link openStacks} until it is closed. Holds it by a weak reference. */
export function listStack(stack: ListedStack): void {
  openStacks();
  listed.add(new WeakRef(stack));
}

/** Returns the open stacks of this thread, in the order in which they were made. */
export function openStacks<Stack extends ListedStack>(): Stack[] {
  const stacks: Stack[] = [];
  for (const reference of listed) {
    const stack = reference.deref() as Stack | undefined;
    if (stack && !stack.closed) stacks.push(stack);
    else listed.delete(reference);
  }
  return stacks;
}
