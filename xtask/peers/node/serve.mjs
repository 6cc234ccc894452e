// The commands of ../README.md, read from standard input and answered on standard output, a JSON object a line.
import { createInterface } from "node:readline";

// The library has no such thing; says why.
export class Lacks extends Error {}

export const text = (data) => (data === null || data === undefined ? null : Buffer.from(data).toString());

export async function serve(library, version, commands) {
  const say = (answer) => process.stdout.write(JSON.stringify(answer) + "\n");
  const errorText = (error) => {
    const causes = (error.errors ?? []).map((cause) => errorText(cause));
    return [`${error.name}: ${error.message}`, ...causes].join(" | ");
  };
  say({ library, version });
  for await (const line of createInterface({ input: process.stdin })) {
    const command = JSON.parse(line);
    try {
      say((await commands[command.do](command)) ?? {});
    } catch (error) {
      say(error instanceof Lacks ? { lacks: error.message } : { error: errorText(error) });
    }
  }
  process.exit(0);
}
