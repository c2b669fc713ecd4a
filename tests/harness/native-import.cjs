/**
 * Node's own import. The test runner takes an `import` in a test into its own module graph, where Node's resolve hooks do
 * not reach; this file is loaded with require, so the import below is Node's.
 */
module.exports = (url) => import(url);
