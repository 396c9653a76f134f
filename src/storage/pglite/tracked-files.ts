import path from 'node:path';
import { NodeFS } from '@electric-sql/pglite/nodefs';

/** The parts of Emscripten's file layer that change something on the disk. */
interface FileNode {
  readonly name: string;
}
interface NodeFileSystem {
  realPath(node: FileNode): string;
  readonly stream_ops: {
    write(stream: { readonly node: FileNode }, ...rest: unknown[]): number;
    setattr(stream: { readonly node: FileNode }, attributes: { readonly size?: number }): void;
  };
  readonly node_ops: {
    setattr(node: FileNode, attributes: { readonly size?: number }): void;
    mknod(parent: FileNode, name: string, ...rest: unknown[]): FileNode;
    rename(node: FileNode, parent: FileNode, name: string): void;
    unlink(parent: FileNode, name: string): void;
    rmdir(parent: FileNode, name: string): void;
  };
}

/** Files and directories whose changes the operating system may still hold in memory. */
export interface DirtyPaths {
  readonly files: Set<string>;
  readonly directories: Set<string>;
}

/**
 * PGlite's own file layer, which remembers what was written through it. PGlite never syncs and has no hook for
 * it (electric-sql/pglite issue 1107), and looking at the times of a thousand files every second would cost more
 * than the sync.
 */
export class TrackedFiles extends NodeFS {
  readonly #onFirstChange: () => void;
  #dirty: DirtyPaths = { files: new Set(), directories: new Set() };

  /** `onFirstChange` is called on the first change after a `take`. */
  constructor(directory: string, onFirstChange: () => void) {
    super(directory);
    this.#onFirstChange = onFirstChange;
  }

  get dirtyCount(): number {
    return this.#dirty.files.size + this.#dirty.directories.size;
  }

  /** Hands over what changed since the last call. */
  take(): DirtyPaths {
    const taken = this.#dirty;
    this.#dirty = { files: new Set(), directories: new Set() };
    return taken;
  }

  /** Takes back what could not be synced. */
  putBack(paths: DirtyPaths): void {
    for (const file of paths.files) this.#markFile(file);
    for (const directory of paths.directories) this.#markDirectory(directory);
  }

  override async init(...[engine, options]: Parameters<NodeFS['init']>): ReturnType<NodeFS['init']> {
    const { emscriptenOpts } = await super.init(engine, options);
    const track = (module: unknown): void => this.#track((module as { NODEFS: NodeFileSystem }).NODEFS);
    return { emscriptenOpts: { ...emscriptenOpts, preRun: [track, ...(emscriptenOpts.preRun ?? [])] } };
  }

  #track(files: NodeFileSystem): void {
    const { stream_ops: stream, node_ops: node } = files;
    const original = { ...node, write: stream.write, setStream: stream.setattr };
    stream.write = (target, ...rest) => {
      this.#markFile(files.realPath(target.node));
      return original.write(target, ...rest);
    };
    stream.setattr = (target, attributes) => {
      if (attributes.size !== undefined) this.#markFile(files.realPath(target.node));
      original.setStream(target, attributes);
    };
    node.setattr = (target, attributes) => {
      if (attributes.size !== undefined) this.#markFile(files.realPath(target));
      original.setattr(target, attributes);
    };
    node.mknod = (parent, name, ...rest) => {
      this.#markDirectory(files.realPath(parent));
      return original.mknod(parent, name, ...rest);
    };
    node.rename = (target, parent, name) => {
      const before = files.realPath(target);
      original.rename(target, parent, name);
      this.#renamed(before, path.join(files.realPath(parent), name));
    };
    node.unlink = (parent, name) => {
      this.#dirty.files.delete(path.join(files.realPath(parent), name));
      this.#markDirectory(files.realPath(parent));
      original.unlink(parent, name);
    };
    node.rmdir = (parent, name) => {
      this.#dirty.directories.delete(path.join(files.realPath(parent), name));
      this.#markDirectory(files.realPath(parent));
      original.rmdir(parent, name);
    };
  }

  #renamed(before: string, after: string): void {
    if (this.#dirty.files.delete(before)) this.#markFile(after);
    this.#markDirectory(path.dirname(before));
    this.#markDirectory(path.dirname(after));
  }

  #markFile(file: string): void {
    const first = this.dirtyCount === 0;
    this.#dirty.files.add(file);
    if (first) this.#onFirstChange();
  }

  #markDirectory(directory: string): void {
    const first = this.dirtyCount === 0;
    this.#dirty.directories.add(directory);
    if (first) this.#onFirstChange();
  }
}
