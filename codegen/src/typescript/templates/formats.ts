/** Whether a text has a format of JSON Schema; formats that are not known hold always. */
export function hasFormat(format: string, text: string): boolean {
  return FORMATS.get(format)?.(text) ?? true;
}

function matches(expression: RegExp): (text: string) => boolean {
  return (text) => expression.test(text);
}

function isDate(text: string): boolean {
  const found = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  if (found === null) return false;
  const [year, month, day] = found.slice(1).map(Number) as [number, number, number];
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
  return day >= 1 && day <= days;
}

function isTime(text: string): boolean {
  const found = /^(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|([+-])(\d\d):(\d\d))$/.exec(text);
  if (found === null) return false;
  const at = (index: number): number => Number(found[index] ?? 0);
  if (at(1) > 23 || at(2) > 59 || at(3) > 60 || at(5) > 23 || at(6) > 59) return false;
  if (at(3) < 60) return true;
  // A leap second ends a day in UTC.
  const offset = (at(5) * 60 + at(6)) * (found[4] === "-" ? -1 : 1);
  return (at(1) * 60 + at(2) - offset + 2880) % 1440 === 1439;
}

function isDateTime(text: string): boolean {
  return /^.{10}[Tt]/.test(text) && isDate(text.slice(0, 10)) && isTime(text.slice(11));
}

function isIpv4(text: string): boolean {
  return /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/.test(text);
}

function isIpv6(text: string): boolean {
  const halves = text.split("::");
  if (halves.length > 2) return false;
  let size = 0;
  for (const [index, half] of halves.entries()) {
    const groups = half === "" ? [] : half.split(":");
    for (const [position, group] of groups.entries()) {
      const isLast = index === halves.length - 1 && position === groups.length - 1;
      if (isLast && group.includes(".")) {
        if (!isIpv4(group)) return false;
        size += 2;
      } else {
        if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return false;
        size += 1;
      }
    }
  }
  return halves.length === 2 ? size <= 7 : size === 8;
}

function isUri(text: string): boolean {
  return isReference(text) && /^[A-Za-z][A-Za-z0-9+.-]*:/.test(text);
}

function isReference(text: string): boolean {
  return /^(?:[^\u0000-\u0020\u007f-\uffff"<>\\^`{|}%]|%[0-9a-fA-F]{2})*$/.test(text);
}

function isIri(text: string): boolean {
  return isIriReference(text) && /^[A-Za-z][A-Za-z0-9+.-]*:/.test(text);
}

function isIriReference(text: string): boolean {
  return /^(?:[^\u0000-\u0020\u007f"<>\\^`{|}%]|%[0-9a-fA-F]{2})*$/.test(text);
}

function isHostname(text: string): boolean {
  return text.length <= 253 && /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i.test(text);
}

function isBase64(text: string): boolean {
  // The alphabet for addresses, missing padding and line ends are accepted.
  const content = text.replace(/\s/g, "").replace(/=+$/, "");
  return content.length % 4 !== 1 && /^[A-Za-z0-9+/_-]*$/.test(content);
}

function isExpression(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}

const FORMATS: ReadonlyMap<string, (text: string) => boolean> = new Map([
  ["date-time", isDateTime],
  ["date", isDate],
  ["time", isTime],
  ["duration", matches(/^P(?!$)(?:\d+W|(?:\d+Y)?(?:\d+M)?(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+(?:[.,]\d+)?S)?)?)$/)],
  ["uuid", matches(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i)],
  ["uri", isUri],
  ["uri-reference", isReference],
  ["iri", isIri],
  ["iri-reference", isIriReference],
  ["byte", isBase64],
  ["email", matches(/^(?:"(?:[^"\\]|\\.)+"|[^\s@".][^\s@"]*)@(?:\[[^\]\s]+\]|[^\s@[\].]+(?:\.[^\s@[\].]+)*)$/)],
  ["hostname", isHostname],
  ["ipv4", isIpv4],
  ["ipv6", isIpv6],
  ["decimal", matches(/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/)],
  ["regex", isExpression],
]);
