/** What is acquired by which call, and how it is given back. Receivers are told by their names: there are no types. */
export interface Acquirer {
  what: string;
  /** The method, or the function. */
  call: string;
  /** What the call is made on, as its last name; null: a plain call. */
  on: RegExp | null;
  /** Also of a name that is imported from one of these modules, or of that name alone. */
  from?: readonly string[];
  /** What it gives comes as a promise, or, where `callback` is set, as an argument of a callback. */
  isAwaited: boolean;
  /** The place among the callback's parameters. */
  callback?: number;
  /** Not this one when it is given a function: that is told when to end. */
  notWithFunction?: boolean;
  /** Methods of what was acquired. */
  methods: readonly string[];
  /** Functions and methods of others that are given it. */
  takers: readonly string[];
}

const POOL = /pool/i;

/** How anything is released that has one: `v[Symbol.asyncDispose]()`. */
export const DISPOSERS: readonly string[] = ['dispose', 'asyncDispose'];

export const ACQUIRERS: readonly Acquirer[] = [
  {
    what: 'a client of a pg pool',
    call: 'connect',
    on: POOL,
    isAwaited: true,
    callback: 1,
    methods: ['release'],
    takers: ['release'],
  },
  {
    what: 'a connection',
    call: 'getConnection',
    on: /./,
    isAwaited: true,
    callback: 1,
    methods: ['release', 'close', 'end', 'destroy'],
    takers: ['release', 'releaseConnection'],
  },
  {
    what: 'a resource of a pool',
    call: 'acquire',
    on: POOL,
    isAwaited: true,
    methods: ['release'],
    takers: ['release', 'destroy'],
  },
  {
    what: 'a transaction',
    call: 'transaction',
    on: /./,
    isAwaited: true,
    notWithFunction: true,
    methods: ['commit', 'rollback'],
    takers: [],
  },
  {
    what: 'a file handle',
    call: 'open',
    on: /^promises$/,
    from: ['fs/promises', 'node:fs/promises'],
    isAwaited: true,
    // its streams close it at their end
    methods: ['close', 'createReadStream', 'createWriteStream', 'readLines'],
    takers: [],
  },
  {
    what: 'an interval',
    call: 'setInterval',
    on: null,
    isAwaited: false,
    methods: ['close'],
    takers: ['clearInterval', 'clearTimeout'],
  },
];
