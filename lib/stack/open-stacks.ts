/** What is listed of a stack. */
interface ListedStack {
  readonly closed: boolean;
}

const listed = new Set<WeakRef<ListedStack>>();

/** Has {@link openStacks} list a stack until it is closed. It is not kept from being collected. */
export function listStack(stack: ListedStack): void {
  openStacks();
  listed.add(new WeakRef(stack));
}

/** The stacks of this thread that are open, in the order in which they were made. */
export function openStacks<Stack extends ListedStack>(): Stack[] {
  const stacks: Stack[] = [];
  for (const reference of listed) {
    const stack = reference.deref() as Stack | undefined;
    if (stack && !stack.closed) stacks.push(stack);
    else listed.delete(reference);
  }
  return stacks;
}
