import { EventEmitter } from 'node:events';

type Listener<Arguments> = Arguments extends unknown[] ? (...args: Arguments) => void : never;

/** The methods of EventEmitter that take an event's name. */
interface EventMethods<Events> {
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): this;
  once<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): this;
  off<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): this;
  addListener<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): this;
  removeListener<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): this;
  prependListener<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): this;
  prependOnceListener<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): this;
}

/**
 * An EventEmitter on which a wrong event name or a wrong listener does not compile. `EventEmitter<Events>` of @types/node is
 * not used, since its checks depend on its version.
 */
export type TypedEmitter<Events> = EventMethods<Events> & Omit<EventEmitter, keyof EventMethods<Events>>;

/**
 * Emits an event for a caller that must go on, or that would swallow the error of a listener: such an error becomes an uncaught
 * exception.
 */
export function emitAndGoOn(emitter: Pick<EventEmitter, 'emit'>, name: string, ...args: unknown[]): void {
  try {
    emitter.emit(name, ...args);
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}

export function typedEmitter<Events>(): new () => TypedEmitter<Events> {
  return EventEmitter as unknown as new () => TypedEmitter<Events>;
}
