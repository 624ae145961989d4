import Foundation

/// A small interpreter of JSON Schema 2020-12, for what types and bounds can't express.
enum JSONSchema {
    /// The violation of a value; nothing when it is valid.
    static func breach(of schema: JSONValue, by json: JSONValue) -> String? {
        var run = Run()
        return run.isValid(schema, json) ? nil : "does not match the contract: \(run.reason)"
    }

    /// The evaluated parts of one value, for the `unevaluated…` keywords.
    private struct Seen {
        var keys: Set<String> = []
        var items: Set<Int> = []

        mutating func add(_ other: Seen) {
            keys.formUnion(other.keys)
            items.formUnion(other.items)
        }
    }

    private struct Run {
        var reason = ""
        private var depth = 0

        mutating func isValid(_ schema: JSONValue, _ json: JSONValue) -> Bool {
            var seen = Seen()
            return check(schema, json, &seen)
        }

        /// A schema that refers to itself in a circle accepts everything.
        mutating func check(_ schema: JSONValue, _ json: JSONValue, _ seen: inout Seen) -> Bool {
            if case .bool(let isAllowed) = schema {
                if !isAllowed { reason = "nothing is allowed here" }
                return isAllowed
            }
            guard case .object(let words) = schema, depth < 200 else { return true }
            depth += 1
            defer { depth -= 1 }
            for word in words.keys.sorted() where !word.hasPrefix("unevaluated") {
                if let value = words[word], !isMet(word, value, words, json, &seen) {
                    if reason.isEmpty { reason = word }
                    return false
                }
            }
            return areUnevaluatedMet(words, json, &seen)
        }

        private mutating func isMet(
            _ word: String, _ value: JSONValue, _ words: [String: JSONValue], _ json: JSONValue,
            _ seen: inout Seen
        ) -> Bool {
            switch word {
            case "$ref":
                guard let name = value.text?.split(separator: "/").last,
                    let target = JSONSchemas.named(String(name).removingPointerEscapes)
                else { return true }
                return check(target, json, &seen)
            case "type": return value.strings.contains { json.isType($0) }
            case "const": return value == json
            case "enum": return value.items.contains(json)
            case "allOf", "anyOf", "oneOf", "not", "if", "dependentSchemas":
                return isApplied(word, value, words, json, &seen)
            case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf":
                guard case .number(let number) = json, case .number(let bound) = value else { return true }
                return Run.isInRange(word, number, bound.text)
            case "minLength": return !json.isString || json.isAtLeast(value)
            case "maxLength": return !json.isString || json.isAtMost(value)
            case "minItems": return !json.isArray || json.isAtLeast(value)
            case "maxItems": return !json.isArray || json.isAtMost(value)
            case "minProperties": return !json.isObject || json.isAtLeast(value)
            case "maxProperties": return !json.isObject || json.isAtMost(value)
            case "pattern":
                guard case .string(let text) = json, let pattern = value.text else { return true }
                return JSONPattern.matches(pattern, text)
            case "format":
                guard case .string(let text) = json, let name = value.text else { return true }
                if TextFormats.isValid(name, text) { return true }
                reason = "it is not of the format \(name)"
                return false
            case "uniqueItems":
                guard case .array(let items) = json, value == .bool(true) else { return true }
                return Set(items).count == items.count
            case "required":
                guard case .object(let entries) = json else { return true }
                return value.strings.allSatisfy { entries[$0] != nil }
            case "dependentRequired":
                guard case .object(let entries) = json else { return true }
                return value.entries.allSatisfy { key, needed in
                    entries[key] == nil || needed.strings.allSatisfy { entries[$0] != nil }
                }
            case "prefixItems", "items", "contains":
                guard case .array(let items) = json else { return true }
                return areItemsMet(word, value, words, items, &seen)
            case "properties", "patternProperties", "additionalProperties", "propertyNames":
                guard case .object(let entries) = json else { return true }
                return arePropertiesMet(word, value, words, entries, &seen)
            default: return true
            }
        }

        private static func isInRange(_ word: String, _ number: JSONNumber, _ bound: String) -> Bool {
            switch word {
            case "minimum": !number.isLess(than: bound)
            case "maximum": !number.isGreater(than: bound)
            case "exclusiveMinimum": number.isGreater(than: bound)
            case "exclusiveMaximum": number.isLess(than: bound)
            default: JSONDigits(number.text).isMultiple(of: JSONDigits(bound)) ?? true
            }
        }

        private mutating func isApplied(
            _ word: String, _ value: JSONValue, _ words: [String: JSONValue], _ json: JSONValue,
            _ seen: inout Seen
        ) -> Bool {
            switch word {
            case "not":
                var own = Seen()
                let isMatch = check(value, json, &own)
                reason = ""
                return !isMatch
            case "if":
                var own = Seen()
                let isMatch = check(value, json, &own)
                if isMatch { seen.add(own) }
                reason = ""
                guard let next = words[isMatch ? "then" : "else"] else { return true }
                return check(next, json, &seen)
            case "dependentSchemas":
                guard case .object(let entries) = json else { return true }
                for (key, schema) in value.entries where entries[key] != nil {
                    if !check(schema, json, &seen) { return false }
                }
                return true
            case "allOf":
                for schema in value.items where !check(schema, json, &seen) { return false }
                return true
            default:
                var nMatches = 0
                for schema in value.items {
                    var own = Seen()
                    if check(schema, json, &own) {
                        nMatches += 1
                        seen.add(own)
                    }
                }
                if nMatches > 0 { reason = "" }
                return word == "oneOf" ? nMatches == 1 : nMatches > 0
            }
        }

        private mutating func areItemsMet(
            _ word: String, _ value: JSONValue, _ words: [String: JSONValue], _ items: [JSONValue],
            _ seen: inout Seen
        ) -> Bool {
            switch word {
            case "prefixItems":
                for (index, (item, schema)) in zip(items, value.items).enumerated() {
                    seen.items.insert(index)
                    if !isValid(schema, item) { return false }
                }
                return true
            case "items":
                let start = words["prefixItems"]?.items.count ?? 0
                for (index, item) in items.enumerated().dropFirst(start) {
                    seen.items.insert(index)
                    if !isValid(value, item) { return false }
                }
                return true
            default:
                var nMatches = 0
                for (index, item) in items.enumerated() where isValid(value, item) {
                    nMatches += 1
                    seen.items.insert(index)
                }
                reason = ""
                let least = words["minContains"]?.count ?? 1
                let most = words["maxContains"]?.count ?? Int.max
                return nMatches >= least && nMatches <= most
            }
        }

        private mutating func arePropertiesMet(
            _ word: String, _ value: JSONValue, _ words: [String: JSONValue],
            _ entries: [String: JSONValue], _ seen: inout Seen
        ) -> Bool {
            let patterns = words["patternProperties"]?.entries.keys.sorted() ?? []
            let listed = words["properties"]?.entries ?? [:]
            for (key, entry) in entries {
                switch word {
                case "propertyNames":
                    if !isValid(value, .string(key)) { return false }
                case "properties":
                    guard let schema = listed[key] else { continue }
                    seen.keys.insert(key)
                    if !isValid(schema, entry) { return false }
                case "patternProperties":
                    for (pattern, schema) in value.entries where JSONPattern.matches(pattern, key) {
                        seen.keys.insert(key)
                        if !isValid(schema, entry) { return false }
                    }
                default:
                    if listed[key] != nil { continue }
                    if patterns.contains(where: { JSONPattern.matches($0, key) }) { continue }
                    seen.keys.insert(key)
                    if !isValid(value, entry) { return false }
                }
            }
            return true
        }

        private mutating func areUnevaluatedMet(
            _ words: [String: JSONValue], _ json: JSONValue, _ seen: inout Seen
        ) -> Bool {
            if case .object(let entries) = json, let schema = words["unevaluatedProperties"] {
                for (key, entry) in entries where seen.keys.insert(key).inserted {
                    if !isValid(schema, entry) { return false }
                }
            }
            if case .array(let items) = json, let schema = words["unevaluatedItems"] {
                for (index, item) in items.enumerated() where seen.items.insert(index).inserted {
                    if !isValid(schema, item) { return false }
                }
            }
            return true
        }
    }
}

extension String {
    fileprivate var removingPointerEscapes: String {
        let plain = removingPercentEncoding ?? self
        return plain.replacingOccurrences(of: "~1", with: "/").replacingOccurrences(of: "~0", with: "~")
    }
}

extension JSONValue {
    fileprivate var items: [JSONValue] {
        if case .array(let items) = self { return items }
        return []
    }

    fileprivate var entries: [String: JSONValue] {
        if case .object(let entries) = self { return entries }
        return [:]
    }

    /// One string, or each of a list.
    fileprivate var strings: [String] {
        if case .string(let text) = self { return [text] }
        return items.compactMap { $0.text }
    }

    fileprivate var count: Int? {
        if case .number(let number) = self { return number.integer() }
        return nil
    }

    fileprivate func isAtLeast(_ bound: JSONValue) -> Bool {
        guard let size, let least = bound.count else { return true }
        return size >= least
    }

    fileprivate func isAtMost(_ bound: JSONValue) -> Bool {
        guard let size, let most = bound.count else { return true }
        return size <= most
    }

    fileprivate func isType(_ word: String) -> Bool {
        switch (word, self) {
        case ("null", .null), ("boolean", .bool), ("string", .string), ("array", .array),
            ("object", .object), ("number", .number):
            return true
        case ("integer", .number(let number)): return number.isWhole
        default: return false
        }
    }
}
