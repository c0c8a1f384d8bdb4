public import Tracking

/// An event as it is on record.
public struct EventRecord: Sendable, Equatable {
    /// Its number.
    public var id: Int64
    /// When it was recorded, in milliseconds since 1970.
    public var at: Int64
    /// What happened.
    public var event: Event
    /// Number of the unit's event before this one.
    public var previous: Int64?
}

/// Which events are asked for; nil is any.
public struct EventFilter: Sendable, Equatable {
    /// Of one of these kinds.
    public var kinds: [EventKind]?
    /// Of kinds that begin so, as in `unit.`.
    public var kindPrefix: String?
    /// About this unit.
    public var unit: String?
    /// At this station.
    public var station: String?
    /// By this person.
    public var actor: String?
    /// Recorded at this time or later, in milliseconds since 1970.
    public var from: Int64?
    /// Recorded before this time, in milliseconds since 1970.
    public var to: Int64?
    /// With a number above this one.
    public var after: Int64?
    /// Only those that record a scan; unless results are asked for, also that a scanner came or went.
    public var scansOnly: Bool
    /// Only scans with one of these results.
    public var results: [ScanAnswer.Result]?

    /// Every event, where nothing else is said.
    public init(
        kinds: [EventKind]? = nil, kindPrefix: String? = nil, unit: String? = nil, station: String? = nil,
        actor: String? = nil, from: Int64? = nil, to: Int64? = nil, after: Int64? = nil, scansOnly: Bool = false,
        results: [ScanAnswer.Result]? = nil
    ) {
        (self.kinds, self.kindPrefix, self.unit, self.station) = (kinds, kindPrefix, unit, station)
        (self.actor, self.from, self.to, self.after) = (actor, from, to, after)
        (self.scansOnly, self.results) = (scansOnly, results)
    }

    fileprivate var condition: SQL {
        var conditions: [SQL] = []
        if let kinds { conditions.append("event.kind IN \(kinds.map(\.rawValue))") }
        if let kindPrefix { conditions.append("substr(event.kind, 1, length(\(kindPrefix))) = \(kindPrefix)") }
        if let unit { conditions.append("event.unit = \(unit)") }
        if let station { conditions.append("event.station = \(station)") }
        if let actor { conditions.append("event.actor = \(actor)") }
        if let from { conditions.append("event.at >= \(from)") }
        if let to { conditions.append("event.at < \(to)") }
        if scansOnly, results == nil {
            // A silent scanner and a missing one are told apart where one looks for scans.
            let devices = [EventKind.deviceConnected, .deviceDisconnected].map(\.rawValue)
            conditions.append("(event.device IS NOT NULL OR event.kind IN \(devices))")
        }
        if results != nil { conditions.append("event.device IS NOT NULL") }
        if let results {
            conditions.append(
                """
                CASE event.kind WHEN 'scan.refused' THEN 'refused' WHEN 'scan.ignored' THEN 'ignored' ELSE 'accepted' END
                IN \(results.map(\.rawValue))
                """)
        }
        return conditions.all
    }

    /// The indexes that lead to what it can match.
    fileprivate var ways: [[SQL]] {
        var ways: [[SQL]] = []
        var kinds = self.kinds
        if let kindPrefix { kinds = EventKind.allCases.filter { $0.rawValue.hasPrefix(kindPrefix) } }
        // What was refused or ignored has a kind of its own; what was accepted has many.
        if let results, !results.contains(.accepted) {
            kinds = results.map { $0 == .refused ? .scanRefused : .scanIgnored }
        }
        if let kinds { ways.append(kinds.map { "event INDEXED BY event_kind WHERE kind = \($0.rawValue)" }) }
        if let actor { ways.append(["event INDEXED BY event_actor WHERE actor = \(actor)"]) }
        if let station { ways.append(["event INDEXED BY event_station WHERE station = \(station)"]) }
        return ways.filter { !$0.isEmpty }
    }
}

extension Connection {
    /// Events by number, as far as they lie within the scope.
    ///
    /// A page may hold few events, or none, and still have a next one.
    /// - Throws: `Refusal` for a cursor that is none.
    public func events(
        _ filter: EventFilter, for access: Access, in plant: Plant, _ page: Page
    ) throws -> Listing<EventRecord> {
        var range = try eventNumbers(from: filter.from, to: filter.to)
        if let after = filter.after, after >= range.lowerBound {
            range = min(after, range.upperBound - 1) + 1..<range.upperBound
        }
        let ways = filter.ways
        let walk = Walk(
            key: "id", sources: ways.isEmpty ? ["event WHERE TRUE"] : try shortest(ways, by: "id", in: range),
            rows: "event ON event.id = walk.key", condition: [access.seesEvent(in: plant), filter.condition].all,
            range: range)
        var listing = try self.page(walk, page, EventRow.columns(of: "event"), EventRecord.init(row:))
        if page.total { listing.total = try count(walk) }
        return listing
    }

    /// When each device last read something, in milliseconds since 1970, as far as the last 20,000 events tell.
    public func recentScans() throws -> [String: Int64] {
        let last = try number("SELECT coalesce(max(id), 0) FROM event")
        let rows = try select(
            """
            SELECT event.device, max(event.at) FROM event
            WHERE event.id > \(last - 20_000) AND event.device IS NOT NULL GROUP BY event.device
            """
        ) { ($0.text(0), $0.int(1)) }
        return Dictionary(uniqueKeysWithValues: rows)
    }

    /// All events of a unit, oldest first; nil where there is no such unit within the scope.
    public func history(_ serial: String, for access: Access) throws -> [EventRecord]? {
        let events = try select(
            """
            WITH RECURSIVE walk(key) AS (
                SELECT unit.last_event FROM unit WHERE unit.serial = \(serial) AND \(access.seesUnit(in: .unit))
                UNION ALL
                SELECT event.previous FROM walk CROSS JOIN event ON event.id = walk.key
                WHERE event.previous < event.id
            )
            SELECT \(EventRow.columns(of: "event")) FROM walk CROSS JOIN event ON event.id = walk.key ORDER BY event.id
            """, EventRecord.init(row:))
        return events.isEmpty ? nil : events
    }
}

/// A customer's order that a unit left under, or came back from.
public struct CustomerOrder: Sendable, Equatable {
    /// Its number.
    public var number: String
    /// Who gave it, where the caller sees customers.
    public var customer: String?
}

extension Connection {
    /// The customer's orders that events of a unit name, by the numbers of the events.
    public func customerOrders(
        of events: [EventRecord], for access: Access, in plant: Plant
    ) throws -> [Int64: CustomerOrder] {
        var orders: [Int64: CustomerOrder] = [:]
        for record in events {
            let (before, after) = (record.event.before?.delivery, record.event.after?.delivery)
            let order: CustomerOrder?
            if case .returnItem = record.event.change, let id = record.event.returnOrCase {
                order = try customerOrder(ofReturn: id, for: access)
            } else if before != after, let id = after ?? before {
                order = try customerOrder(ofDelivery: id, for: access, in: plant)
            } else {
                continue
            }
            orders[record.id] = order
        }
        return orders
    }

    private func customerOrder(ofReturn id: String, for access: Access) throws -> CustomerOrder? {
        let customer: SQL =
            access.seesCustomers
            ? "customer_return.customer" : "CASE WHEN \(access.seesWholeReturn) THEN customer_return.customer END"
        return try first(
            "SELECT order_number, \(customer) FROM customer_return WHERE customer_return.id = \(Int64(id) ?? -1)"
        ) { CustomerOrder(number: $0.text(0), customer: $0.optionalText(1)) }
    }

    /// The order of a delivery.
    public func customerOrder(
        ofDelivery id: String, for access: Access, in plant: Plant
    ) throws -> CustomerOrder? {
        let customer: SQL =
            access.seesCustomers
            ? "delivery.customer" : "CASE WHEN \(seesWhole(access, in: plant)) THEN delivery.customer END"
        return try first(
            "SELECT order_number, \(customer) FROM delivery WHERE delivery.id = \(Int64(id) ?? -1)"
        ) { CustomerOrder(number: $0.text(0), customer: $0.optionalText(1)) }
    }

    /// Whether a caller sees the customer's return, or the defect case, with this id because their own station or people
    /// received, opened or inspected it.
    public func isHandled(_ id: String, for access: Access) throws -> Bool {
        guard !access.desk.isEmpty, let number = Int64(id) else { return false }
        return try first("SELECT \(access.handled("\(number)"))") { $0.int(0) != 0 } ?? false
    }
}

extension EventRow {
    /// The columns of an event in a query that names other tables too.
    static func columns(of table: String) -> SQL {
        let columns = columns.split { $0 == "," || $0 == " " || $0 == "\n" }
        return SQL(verbatim: columns.map { "\(table).\($0)" }.joined(separator: ", "))
    }
}

extension EventRecord {
    /// Reads an event from a row of `EventRow.columns`.
    init(row: Statement) throws {
        guard let row = EventRow(row) else { throw damagedRow("event") }
        self.init(id: row.id, at: row.at, event: row.event, previous: row.previous)
    }
}
