/** Returns a rate of bits a second: '1.2 Mbit/s'. */
export function rateText(bits: number): string {
  if (bits >= 1e9) return `${short(bits / 1e9)} Gbit/s`;
  if (bits >= 1e6) return `${short(bits / 1e6)} Mbit/s`;
  if (bits >= 1e3) return `${short(bits / 1e3)} kbit/s`;
  return `${Math.round(bits)} bit/s`;
}

/** Returns a rate for a place without room: '1.2M'. */
export function shortRate(bits: number): string {
  return rateText(bits).replace(/ ([kMG]?)bit\/s$/, '$1');
}

/** Returns a time in milliseconds: '50 ms', '0.4 ms', '1.2 s'. */
export function timeText(ms: number): string {
  return ms >= 1000 ? `${short(ms / 1000)} s` : `${short(ms)} ms`;
}

/** Returns a share: '1.5 %'. */
export function percentText(share: number): string {
  return `${short(share * 100)} %`;
}

function short(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1).replace(/\.0$/, '') : value.toFixed(2).replace(/\.?0+$/, '');
}

/** Returns the time of day with milliseconds: '12:34:56.789'. */
export function clockText(time: number): string {
  const date = new Date(time);
  const two = (value: number) => String(value).padStart(2, '0');
  const ms = String(date.getMilliseconds()).padStart(3, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`;
}

/** Returns faults as they are written at the prompt: 'delay=50 loss=0.01'. */
export function faultsText(faults: Readonly<Record<string, unknown>>): string {
  return Object.entries(faults)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === 'object' ? JSON.stringify(value).replaceAll('"', '') : value}`)
    .join(' ');
}
