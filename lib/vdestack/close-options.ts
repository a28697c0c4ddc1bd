/** Options for closing a stack. */
export interface CloseOptions {
  /** Seconds to wait while no peer accepts any of the data that TCP sockets sent. After that the peers get a reset. Default 5. */
  linger?: number;
}
