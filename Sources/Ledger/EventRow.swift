import Crypto
import FoundationEssentials
import Tracking

/// An event as it stands in the ledger: the rules' event with its number, time and place in the chains.
struct EventRow {
    var id: Int64
    var at: Int64
    var event: Event
    /// Number of the unit's event before this one.
    var previous: Int64?
    /// SHA-256 over the previous event's hash and every column of this one.
    var hash: [UInt8]

    static let columns = """
        id, at, kind, actor, station, device, code, reason, unit, product, team, work_order, before, after, note,
        undoes, previous, body, hash
        """
    static let insert = """
        INSERT INTO event (\(columns))
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)
        """

    /// What the `body` column holds: facts that few events have.
    private struct Body: Codable {
        var details: Event.Details?
        var change: Event.Change?
    }

    /// The body of the event before, for its neighbours: those of one command about many units have the same details.
    final class LastBody {
        fileprivate var details: Event.Details?
        fileprivate var text: String?
    }

    private static func body(of event: Event, _ last: LastBody) throws -> String? {
        let hasDetails = event.details != Event.Details()
        guard hasDetails || event.change != nil else { return nil }
        if event.change == nil, last.details == event.details { return last.text }
        let text = try body(of: event, hasDetails: hasDetails)
        if event.change == nil { (last.details, last.text) = (event.details, text) }
        return text
    }

    private static func body(of event: Event, hasDetails: Bool) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = try encoder.encode(Body(details: hasDetails ? event.details : nil, change: event.change))
        return String(decoding: data, as: UTF8.self)
    }

    /// Writes an event behind the one with the hash `last`, and answers its own hash.
    static func append(
        _ event: Event, id: Int64, at: Int64, previous: Int64?, after last: [UInt8], _ lastBody: LastBody,
        _ statement: Statement
    ) throws -> [UInt8] {
        let before = event.before?.text
        let after = event.after?.text
        let body = try body(of: event, lastBody)
        var chain = Chain(last)
        func text(_ index: Int32, _ value: String?) {
            statement.bind(index, value)
            chain.add(value)
        }
        func number(_ index: Int32, _ value: Int64?) {
            statement.bind(index, value)
            chain.add(value)
        }
        number(1, id)
        number(2, at)
        text(3, event.kind.rawValue)
        text(4, event.actor)
        text(5, event.station)
        text(6, event.frame?.device)
        text(7, event.frame?.code)
        text(8, event.reason?.rawValue)
        text(9, event.unit)
        text(10, event.product)
        text(11, event.team)
        text(12, event.workOrder)
        text(13, before)
        text(14, after)
        text(15, event.note)
        number(16, event.undoes)
        number(17, previous)
        text(18, body)
        let hash = chain.hash()
        statement.bind(19, blob: hash)
        try statement.run()
        return hash
    }

    /// Reads an event from a row of `columns`; nil where it can't be understood.
    init?(_ row: Statement) {
        guard let kind = EventKind(rawValue: row.text(2)) else { return nil }
        var event = Event(kind)
        (event.actor, event.station) = (row.optionalText(3), row.optionalText(4))
        if let device = row.optionalText(5) { event.frame = Event.Frame(code: row.text(6), device: device) }
        event.reason = row.optionalText(7).flatMap(Reason.init)
        (event.unit, event.product) = (row.optionalText(8), row.optionalText(9))
        (event.team, event.workOrder) = (row.optionalText(10), row.optionalText(11))
        for (column, path) in [(Int32(12), \Event.before), (13, \Event.after)] {
            guard let text = row.optionalText(column) else { continue }
            guard let state = UnitState(text: text) else { return nil }
            event[keyPath: path] = state
        }
        event.note = row.optionalText(14)
        event.undoes = row.isNull(15) ? nil : row.int(15)
        if let body = row.optionalText(17) {
            guard let body = try? JSONDecoder().decode(Body.self, from: Data(body.utf8)) else { return nil }
            if let details = body.details { event.details = details }
            event.change = body.change
        }
        (id, at, self.event) = (row.int(0), row.int(1), event)
        previous = row.isNull(16) ? nil : row.int(16)
        hash = row.blob(18)
    }

    /// The hash that a row of `columns` must have behind the hash `last`.
    static func expectedHash(_ row: Statement, after last: [UInt8]) -> [UInt8] {
        var chain = Chain(last)
        for column in Int32(0)..<18 {
            switch column {
            case 0, 1, 15, 16: chain.add(row.isNull(column) ? nil : row.int(column))
            default: chain.add(row.optionalText(column))
            }
        }
        return chain.hash()
    }
}

/// The bytes that an event's hash is taken over: the hash before it, then each column with its length, so that no two
/// rows have the same bytes.
private struct Chain {
    private var bytes: [UInt8] = []

    init(_ last: [UInt8]) {
        bytes.reserveCapacity(512)
        bytes += last
    }

    mutating func add(_ value: String?) {
        guard var value else {
            bytes.append(0)
            return
        }
        value.withUTF8 { text in
            bytes.append(1)
            append(UInt64(text.count))
            bytes.append(contentsOf: text)
        }
    }

    mutating func add(_ value: Int64?) {
        guard let value else {
            bytes.append(0)
            return
        }
        bytes.append(2)
        append(UInt64(bitPattern: value))
    }

    private mutating func append(_ value: UInt64) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    func hash() -> [UInt8] {
        Array(SHA256.hash(data: bytes))
    }
}
