import { AF_PACKET, SOCK_RAW, type Socket, type Stack } from 'ioth';
import { htons } from '../../lib/address/inet.js';
import { describeFrame } from '../../lib/vde/describe-frame.js';

const ETH_P_ALL = 3;
const MOST_LINES = 60;

/** The frames of a stack since the test began, as many as the kernel keeps for a packet socket that nobody reads. */
export class FrameLog {
  readonly #socket: Socket;

  constructor(stack: Stack) {
    this.#socket = stack.socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
    this.#socket.settimeout(0);
  }

  lines(): string[] {
    const lines: string[] = [];
    this.#eachFrame((frame) => lines.push(describeFrame(frame)));
    return lines.length > MOST_LINES ? [`… ${lines.length - MOST_LINES} before`, ...lines.slice(-MOST_LINES)] : lines;
  }

  forget(): void {
    this.#eachFrame(() => {});
  }

  close(): void {
    this.#socket.close();
  }

  #eachFrame(take: (frame: Buffer) => void): void {
    try {
      while (!this.#socket.closed) take(this.#socket.sync.recv(2000));
    } catch {
      // EAGAIN: that was the last; a stack whose daemon died has none
    }
  }
}
