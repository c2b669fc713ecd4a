import { defineConfig } from "vitest/config";

/** Two kinds of tests: `unit` runs beside the sources, `black-box` starts real server processes. */
const source = { resolve: { conditions: ["source"] }, ssr: { resolve: { conditions: ["source"] } } };

export default defineConfig({
  ...source,
  test: {
    projects: [
      {
        ...source,
        test: { name: "unit", include: ["packages/*/src/**/*.test.ts"], testTimeout: 60_000 },
      },
      {
        ...source,
        test: {
          name: "black-box",
          include: ["tests/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
        },
      },
    ],
  },
});
