import Foundation

/// Reads lines `{"type": PLACE, "value": JSON}`, decodes the value as the type of that place,
/// checks it, and writes `{"ok": JSON, "violations": [{"path": POINTER, "message": TEXT}]}` or
/// `{"error": TEXT, "violations": […]}`.
enum JSONWire {
    typealias Run = @Sendable (JSONValue) throws -> JSONValue

    static func type<T: JSONModel>(_ type: T.Type, _ bounds: [JSONBound]) -> Run {
        { json in
            let value = try T(json: json)
            try agree(value)
            var checker = JSONChecker(direction: nil)
            checker.whole(value, bounds)
            let violations = checker.violations.map { told($0.path, $0.message) }
            return .object(["ok": value.json, "violations": .array(violations)])
        }
    }

    /// Coders of `Codable` must give the same value, as far as they keep digits.
    private static func agree<T: JSONModel>(_ value: T) throws {
        guard value.json.isShort else { return }
        let data = try JSONEncoder().encode([value])
        if try JSONDecoder().decode([T].self, from: data) != [value] {
            throw JSONError("changes its value in JSONEncoder and JSONDecoder")
        }
    }

    static func run() {
        let types = types()
        while let line = readLine() {
            FileHandle.standardOutput.write(Data((answer(line, types).jsonText() + "\n").utf8))
        }
    }

    private static func told(_ path: String, _ message: String) -> JSONValue {
        .object(["path": .string(path), "message": .string(message)])
    }

    private static func answer(_ line: String, _ types: [String: Run]) -> JSONValue {
        do {
            let request = try JSONValue(parsing: line)
            let place = request["type"]?.text ?? ""
            guard let run = types[place] else {
                return .object(["error": .string("no type has the place `\(place)`")])
            }
            return try run(request["value"] ?? .null)
        } catch let error as JSONError {
            let violations = [told(error.path, error.message)]
            return .object(["error": .string(error.description), "violations": .array(violations)])
        } catch {
            return .object(["error": .string("\(error)")])
        }
    }
}

extension JSONValue {
    /// Whether every number in it has so few digits that each coder keeps them.
    fileprivate var isShort: Bool {
        switch self {
        case .number(let number): number.text.count <= 15 && !number.text.lowercased().contains("e")
        case .array(let items): items.allSatisfy(\.isShort)
        case .object(let entries): entries.values.allSatisfy(\.isShort)
        default: true
        }
    }
}

// Deep values need more stack than the main thread has.
let thread = Thread {
    JSONWire.run()
    exit(0)
}
thread.stackSize = 1 << 28
thread.start()
while true { sleep(3600) }
