/// Takes a list apart, item by item.
struct JSONItems {
    private let items: [JSONValue]
    private var index = 0

    init(_ json: JSONValue) throws {
        guard case .array(let items) = json else { throw JSONError("is not a list") }
        self.items = items
    }

    mutating func required<T: JSONModel>() throws -> T {
        guard let item: T = try optional() else { throw JSONError("has no item \(index)") }
        return item
    }

    mutating func optional<T: JSONModel>() throws -> T? {
        guard index < items.count else { return nil }
        defer { index += 1 }
        return .some(try read(index))
    }

    mutating func rest<T: JSONModel>() throws -> [T] {
        var rest: [T] = []
        while let item: T = try optional() { rest.append(item) }
        return rest
    }

    func refuseRest() throws {
        if index < items.count { throw JSONError("is one item too many").under("\(index)") }
    }

    private func read<T: JSONModel>(_ index: Int) throws -> T {
        do {
            return try T(json: items[index])
        } catch let error as JSONError {
            throw error.under("\(index)")
        }
    }
}

/// Builds a list; no item can follow one that is absent.
struct JSONItemsWriter {
    private var items: [JSONValue] = []
    private var isCut = false

    mutating func put(_ item: some JSONModel) {
        items.append(item.json)
    }

    mutating func put(ifAny item: (some JSONModel)?) {
        guard let item, !isCut else {
            isCut = true
            return
        }
        items.append(item.json)
    }

    mutating func put(rest: [some JSONModel]) {
        if !isCut { items += rest.map { $0.json } }
    }

    var json: JSONValue { .array(items) }
}

extension JSONChecker {
    /// The items of a list beyond those that the contract lists.
    mutating func items<T: JSONModel>(from start: Int, _ items: [T], _ bounds: JSONBound...) {
        for (index, item) in items.enumerated() {
            under("\(start + index)") { $0.whole(item, bounds) }
        }
    }
}
