/** What the micro-benchmarks of other packages use. */
export { type MicroCase, type MicroResult, measureInRounds, printMicroResults } from "./micro/rounds.ts";
