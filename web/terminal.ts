import { Terminal } from '@xterm/xterm';
import style from '@xterm/xterm/css/xterm.css';

/** A terminal in the page. */
export interface PageTerminal {
  write(text: string): void;
  /** Makes it as large as its place. */
  fill(): void;
  focus(): void;
  readonly columns: number;
  readonly rows: number;
}

interface Listener {
  onType(text: string): void;
  onResize(columns: number, rows: number): void;
}

/** Opens a terminal in an element. */
export function openTerminal(place: HTMLElement, listener: Listener): PageTerminal {
  if (!document.getElementById('terminal-style')) {
    const element = document.createElement('style');
    element.id = 'terminal-style';
    element.textContent = style;
    document.head.append(element);
  }
  const terminal = new Terminal({ fontSize: 13, cursorBlink: false, scrollback: 2000, screenReaderMode: true });
  terminal.open(place);
  terminal.onData((text) => listener.onType(text));
  terminal.onResize(({ cols, rows }) => listener.onResize(cols, rows));
  const fill = () => {
    const screen = place.querySelector('.xterm-screen');
    if (!screen || place.clientWidth === 0) return;
    const { width, height } = screen.getBoundingClientRect();
    const [cellWidth, cellHeight] = [width / terminal.cols, height / terminal.rows];
    if (!cellWidth || !cellHeight) return;
    const columns = Math.max(20, Math.floor((place.clientWidth - 20) / cellWidth));
    const rows = Math.max(4, Math.floor((place.clientHeight - 4) / cellHeight));
    if (columns !== terminal.cols || rows !== terminal.rows) terminal.resize(columns, rows);
  };
  fill();
  return {
    write: (text) => terminal.write(text),
    fill,
    focus: () => terminal.focus(),
    get columns() {
      return terminal.cols;
    },
    get rows() {
      return terminal.rows;
    },
  };
}
