import Foundation

/// How a list or object is written into a parameter.
enum APIStyle: Sendable {
    case form, simple, label, matrix, space, pipe, deepObject
}

/// A request as the contract describes it, before it has a host.
struct APIRequest: Sendable, Hashable {
    let method: String
    var path: String
    var query: [APIPair] = []
    var wholeQuery: String?
    var headers: [String: String] = [:]
    var cookies: [String] = []
    var body: Data?
    /// The sets of security schemes of which one is enough.
    var security: [[String]] = []

    struct APIPair: Sendable, Hashable {
        var name: String
        var value: String
    }

    init(_ method: String, _ path: String, security: [[String]] = []) {
        self.method = method
        self.path = path
        self.security = security
    }

    mutating func path(
        _ name: String, _ value: some JSONModel, _ style: APIStyle = .simple, explode: Bool = false
    ) {
        let json = value.json
        let text: String
        switch style {
        case .label: text = "." + APIRequest.joined(json, explode ? "." : ",", explode: explode)
        case .matrix where explode && json.isObject:
            text = ";" + APIRequest.joined(json, ";", explode: true)
        case .matrix where explode && json.isArray:
            text = APIRequest.items(json).map { ";\(name)=\($0)" }.joined()
        case .matrix: text = ";\(name)=" + APIRequest.joined(json, ",", explode: false)
        default: text = APIRequest.joined(json, ",", explode: explode)
        }
        path = path.replacingOccurrences(of: "{\(name)}", with: text)
    }

    mutating func query(
        _ name: String, _ value: (some JSONModel)?, _ style: APIStyle = .form, explode: Bool = true
    ) {
        guard let json = value?.json, !json.isNull else { return }
        switch (style, json) {
        case (.deepObject, _): deep(name, json)
        case (.form, .array) where explode, (.space, .array) where explode, (.pipe, .array) where explode:
            for item in APIRequest.items(json) { add(name, item) }
        case (.form, .object(let entries)) where explode:
            for key in entries.keys.sorted() { add(APIRequest.encoded(key), APIRequest.text(entries[key])) }
            return
        case (.space, _): add(name, APIRequest.joined(json, "%20", explode: false))
        case (.pipe, _): add(name, APIRequest.joined(json, "|", explode: false))
        default: add(name, APIRequest.joined(json, ",", explode: false))
        }
    }

    /// A parameter whose value is JSON text.
    mutating func query(_ name: String, jsonText value: (some JSONModel)?) {
        if let value { add(name, APIRequest.encoded(value.json.jsonText())) }
    }

    /// The whole query is one value.
    mutating func queryString(_ value: (some JSONModel)?) {
        guard let json = value?.json else { return }
        if let text = json.text {
            wholeQuery = APIRequest.encoded(text)
        } else {
            query("", value)
        }
    }

    mutating func setQuery(_ name: String, _ value: String) {
        query.removeAll { $0.name == APIRequest.encoded(name) }
        add(name, APIRequest.encoded(value))
    }

    mutating func header(_ name: String, _ value: (some JSONModel)?, explode: Bool = false) {
        guard let json = value?.json, !json.isNull else { return }
        headers[name] = APIRequest.joined(json, ",", explode: explode, encode: { $0 })
    }

    mutating func cookie(_ name: String, _ value: (some JSONModel)?) {
        guard let json = value?.json, !json.isNull else { return }
        cookies.append("\(name)=\(APIRequest.joined(json, ",", explode: false))")
    }

    mutating func body(json value: (some JSONModel)?, _ media: String = "application/json") {
        guard let value else { return }
        body(value.jsonData(), media)
    }

    mutating func body(_ data: Data?, _ media: String) {
        guard let data else { return }
        body = data
        headers["Content-Type"] = media
    }

    mutating func body(text: String?, _ media: String) {
        body(text.map { Data($0.utf8) }, media)
    }

    /// A form of `application/x-www-form-urlencoded`; objects become `name[key]`.
    mutating func body(form value: (some JSONModel)?) {
        guard let value, case .object(let entries) = value.json else { return }
        var form = APIRequest("", "")
        for key in entries.keys.sorted() { form.nested(APIRequest.encoded(key), entries[key] ?? .null) }
        let pairs = form.query.map { "\($0.name)=\($0.value)" }
        body(text: pairs.joined(separator: "&"), "application/x-www-form-urlencoded")
    }

    mutating func body(multipart form: MultipartForm?) {
        guard let form else { return }
        body(form.data, "multipart/form-data; boundary=\(form.boundary)")
    }

    private mutating func nested(_ name: String, _ json: JSONValue) {
        switch json {
        case .array(let items): for item in items { nested(name, item) }
        case .object: deep(name, json)
        default: query.append(APIPair(name: name, value: APIRequest.text(json)))
        }
    }

    private mutating func deep(_ name: String, _ json: JSONValue) {
        guard case .object(let entries) = json else {
            for item in APIRequest.items(json) { query.append(APIPair(name: name, value: item)) }
            return
        }
        for key in entries.keys.sorted() {
            deep("\(name)%5B\(APIRequest.encoded(key))%5D", entries[key] ?? .null)
        }
    }

    private mutating func add(_ name: String, _ encodedValue: String) {
        query.append(APIPair(name: APIRequest.encoded(name), value: encodedValue))
    }

    /// Keys and values of an object, or items, between separators.
    private static func joined(
        _ json: JSONValue, _ separator: String, explode: Bool,
        encode: (String) -> String = APIRequest.encoded
    ) -> String {
        guard case .object(let entries) = json else {
            return items(json, encode).joined(separator: separator)
        }
        let pairs = entries.keys.sorted().map { key in
            encode(key) + (explode ? "=" : separator) + text(entries[key], encode)
        }
        return pairs.joined(separator: separator)
    }

    private static func items(
        _ json: JSONValue, _ encode: (String) -> String = APIRequest.encoded
    ) -> [String] {
        guard case .array(let items) = json else { return [text(json, encode)] }
        return items.map { text($0, encode) }
    }

    private static func text(
        _ json: JSONValue?, _ encode: (String) -> String = APIRequest.encoded
    ) -> String {
        switch json {
        case .string(let text): encode(text)
        case .null, nil: ""
        case .some(let other): encode(other.jsonText())
        }
    }

    private static let unreserved = CharacterSet(
        charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

    static func encoded(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: unreserved) ?? text
    }

    func url(_ base: URL) throws -> URL {
        var text = base.absoluteString
        if text.hasSuffix("/") && path.hasPrefix("/") { text.removeLast() }
        text += path.addingPercentEncoding(withAllowedCharacters: APIRequest.inPath) ?? path
        var parts = query.map { $0.value.isEmpty ? $0.name : "\($0.name)=\($0.value)" }
        if let wholeQuery { parts.insert(wholeQuery, at: 0) }
        if !parts.isEmpty { text += (text.contains("?") ? "&" : "?") + parts.joined(separator: "&") }
        guard let url = URL(string: text) else { throw APIError.badAddress(text) }
        return url
    }

    /// The characters of a path whose parameters are already encoded.
    private static let inPath = unreserved.union(CharacterSet(charactersIn: "/%:@!$&'()*+,;=?"))

    /// The same request with the query of a link; nothing when the link leads to another place.
    func following(_ link: String?, from base: URL) -> APIRequest? {
        guard let link, let own = try? url(base),
            let target = URLComponents(string: URL(string: link, relativeTo: own)?.absoluteString ?? ""),
            target.host == own.host, target.scheme == own.scheme, target.port == own.port
        else { return nil }
        var next = self
        for item in target.queryItems ?? [] {
            next.query.removeAll { $0.name == APIRequest.encoded(item.name) }
        }
        for item in target.queryItems ?? [] {
            next.add(item.name, APIRequest.encoded(item.value ?? ""))
        }
        return next
    }

    /// The same request from a cursor on; nothing when there is none.
    func next(_ name: String, _ cursor: JSONValue?) -> APIRequest? {
        guard let cursor, !cursor.isNull, cursor != "" else { return nil }
        var next = self
        next.setQuery(name, cursor.text ?? cursor.jsonText())
        return next
    }

    /// The first set of schemes for which there are credentials.
    func wanted(_ credentials: [String: APICredential]) -> [(APISecurityScheme, APICredential)] {
        for schemes in security {
            let found = schemes.compactMap { name -> (APISecurityScheme, APICredential)? in
                guard let scheme = APIClient.securitySchemes[name], let credential = credentials[name]
                else { return nil }
                return (scheme, credential)
            }
            if found.count == schemes.count && !found.isEmpty { return found }
        }
        return []
    }

    mutating func sign(_ scheme: APISecurityScheme, _ credential: APICredential) async throws {
        let secret: String
        switch credential {
        case .apiKey(let key): secret = key
        case .bearer(let token): secret = token
        case .bearerProvider(let provider): secret = try await provider()
        case .basic(let user, let password):
            secret = Data("\(user):\(password)".utf8).base64EncodedString()
        }
        switch scheme {
        case .header(let name): headers[name] = secret
        case .query(let name): setQuery(name, secret)
        case .cookie(let name): cookies.append("\(name)=\(secret)")
        case .basic: headers["Authorization"] = "Basic \(secret)"
        case .bearer: headers["Authorization"] = "Bearer \(secret)"
        case .other: break
        }
    }
}

/// A form of `multipart/form-data` (RFC 7578).
public struct MultipartForm: Sendable, Hashable {
    let boundary = "form-\(UUID().uuidString)"
    private var parts = Data()

    public init() {}

    /// The whole body.
    public var data: Data { parts + Data("--\(boundary)--\r\n".utf8) }

    public mutating func add(_ name: String, _ file: APIFile?) {
        guard let file else { return }
        add(name, file.data, fileName: file.name, file.mediaType)
    }

    public mutating func add(_ name: String, _ files: [APIFile]?) {
        for file in files ?? [] { add(name, file) }
    }

    /// Text as it is; other values as JSON; each item of a list as a part of its own.
    public mutating func add(_ name: String, _ value: (some JSONModel)?, _ media: String? = nil) {
        guard let json = value?.json, !json.isNull else { return }
        switch json {
        case .string(let text): add(name, Data(text.utf8), media)
        case .array(let items) where media == nil: for item in items { add(name, item) }
        case .object: add(name, Data(json.jsonText().utf8), media ?? "application/json")
        default: add(name, Data(json.jsonText().utf8), media)
        }
    }

    private mutating func add(
        _ name: String, _ data: Data, fileName: String? = nil, _ media: String?
    ) {
        var head = "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(MultipartForm.quoted(name))\""
        if let fileName { head += "; filename=\"\(MultipartForm.quoted(fileName))\"" }
        if let media { head += "\r\nContent-Type: \(media.filter { $0 != "\r" && $0 != "\n" })" }
        parts += Data((head + "\r\n\r\n").utf8) + data + Data("\r\n".utf8)
    }

    /// As browsers do (WHATWG HTML, multipart form data).
    private static func quoted(_ text: String) -> String {
        text.replacingOccurrences(of: "\r", with: "%0D").replacingOccurrences(of: "\n", with: "%0A")
            .replacingOccurrences(of: "\"", with: "%22")
    }
}

extension JSONValue {
    /// The start of the next page: the value at a path in the body, where an array stands for
    /// its last item; nothing when the flag marks this page as the last one.
    func cursor(_ path: [String], unlessFalse more: String? = nil) -> JSONValue? {
        if let more, self[more] == false { return nil }
        var found: JSONValue? = self
        for key in path {
            if case .array(let items)? = found { found = items.last }
            found = found?[key]
        }
        return found
    }
}
