/** ioth/ffi: the C functions of the ioth libraries, without the classes on top. */

export { type Iovec, type Libioth, libioth, type Msghdr, type StackPointer } from './ioth.js';
export { type Libiothaddr, libiothaddr } from './iothaddr.js';
export { type Libiothconf, libiothconf } from './iothconf.js';
export { type DnsPointer, type Libiothdns, libiothdns } from './iothdns.js';
export { errno, type Libc, libc } from './libc.js';
export {
  hasLibrary,
  type LibraryName,
  LibraryNotFoundError,
  libraryCandidates,
  loadLibrary,
  type Plugin,
  pluginDirectories,
  plugins,
} from './loader.js';
export { UnsupportedRuntimeError } from './runtime.js';
export { type Libvdeplug, libvdeplug, type VdeConnPointer, type VdeOpenArgs } from './vdeplug.js';
