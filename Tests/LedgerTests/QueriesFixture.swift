import Barcodes
import Synchronization
import Testing
import Tracking

@testable import Ledger

/// Reproducible random numbers (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64
    init(seed: Int) { state = UInt64(seed) &* 0xD134_2543_DE82_EF95 }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
    mutating func one(_ chances: Int) -> Bool { Int.random(in: 0..<chances, using: &self) == 0 }
    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: elements.indices, using: &self)]
    }

    /// Nobody, or one of these logins, or a station of one of these teams.
    mutating func handlers(teams: [String], logins: [String]) -> Set<Handler> {
        if one(2) { return [] }
        return one(2) ? [.person(pick(logins))] : [.station("AT-" + pick(teams)), .person("somebody")]
    }

    /// Somebody with one of these logins, of any role, team and grants; the last of the teams is another department's.
    mutating func caller(teams: [String], logins: [String]) throws -> (plant: Plant, access: Access) {
        var plant = Plant()
        for team in teams {
            let department = team == teams.last ? "service" : "electronics"
            plant.teams[team] = Team(code: team, name: team, department: department)
            plant.stations["AT-" + team] = Station(name: "AT-" + team, mode: .returns, team: team)
        }
        let login = pick(logins)
        plant.people[login] = Person(
            login: login, name: login, role: pick(Role.allCases), department: pick(["electronics", "none"]),
            team: one(4) ? nil : pick(teams), grants: Set(Grant.allCases.filter { _ in one(4) }))
        return (plant, try #require(Access(login: login, isAdmin: false, in: plant)))
    }
}

/// A plant of two departments whose teams share a line, in a ledger of its own, with a clock that the test moves.
final class Shop: Sendable {
    static let opening: Int64 = 1_772_438_400_000
    static let products = ["PCB-100", "PCB-200", "RES-10K"]
    static let people = ["ada", "dora", "sam", "lena", "luis", "rita", "nil", "mia", "tom", "kim", "root"]

    let folder: Folder
    let ledger: Ledger
    let clock = Clock()
    final class Clock: Sendable { let now = Mutex(Shop.opening) }

    init() async throws {
        folder = try Folder()
        let clock = clock
        ledger = try Ledger(
            directory: folder.path,
            clock: {
                let now = clock.now.withLock { $0 }
                return Moment(wall: now, steady: now, run: 1)
            })
        let changes = Plant().changes(to: try Self.plant(ledger))
        try await run(.changePlant { _ in changes })
    }

    static func plant(_ ledger: Ledger) throws -> Plant {
        var plant = Plant()
        (plant.settings.timezone, plant.settings.undoWithin) = ("Europe/Berlin", 1_200_000)
        plant.departments["electronics"] = Department(code: "electronics", name: "Electronics")
        plant.departments["service"] = Department(code: "service", name: "Service")
        for (team, department) in [("smt", "electronics"), ("finish", "electronics"), ("desk", "service")] {
            plant.teams[team] = Team(code: team, name: team, department: department)
        }
        let people = [
            Person(login: "ada", name: "Ada", role: .admin),
            Person(login: "dora", name: "Dora", role: .departmentLead, department: "electronics"),
            Person(login: "sam", name: "Sam", role: .departmentLead, department: "service", grants: [.deliver]),
            Person(login: "lena", name: "Lena", role: .teamLead, team: "smt"),
            Person(login: "luis", name: "Luis", role: .teamLead, team: "finish", grants: [.deliver, .stockAdjust]),
            Person(login: "rita", name: "Rita", role: .teamLead, team: "desk", grants: [.returnsManage, .deliver]),
            Person(login: "nil", name: "A lead of nobody", role: .teamLead),
            Person(
                login: "mia", name: "Mia", role: .member, team: "smt", badge: try ledger.badgeDigest("1007"),
                grants: [.defectsMark]),
            Person(
                login: "tom", name: "Tom", role: .member, team: "finish", badge: try ledger.badgeDigest("1008"),
                grants: [.stockAdjust]),
            Person(login: "kim", name: "Kim", role: .member, team: "finish", grants: [.deliver, .returnsInspect]),
        ]
        for person in people { plant.people[person.login] = person }
        plant.defectTypes["SOLDER"] = DefectType(code: "SOLDER", name: "Solder bridge")
        plant.routings["board"] = Routing(
            code: "board",
            stages: [
                Stage(name: "assembly"), Stage(name: "testing"), Stage(name: "coating", optional: true),
                Stage(name: "qa"),
            ])
        for code in ["PCB-100", "PCB-200"] {
            var board = Product(code: code, name: code, type: "pcb")
            (board.routing, board.serial) = ("board", .pattern("{product}-{seq:4}", per: "product"))
            plant.products[code] = board
        }
        plant.products["RES-10K"] = Product(code: "RES-10K", name: "Resistor", type: "part")
        var label = Station(name: "LABEL-1", mode: .label, team: "smt")
        label.printers = ["file:labels/"]
        let stations = [
            label, Station(name: "ASSY-1", mode: .pass, stages: ["assembly"], team: "smt"),
            Station(name: "TEST-1", mode: .verdict, stages: ["testing"], team: "smt"),
            Station(name: "COAT-1", mode: .pass, stages: ["coating"], team: "finish"),
            Station(name: "QA-1", mode: .verdict, stages: ["qa"], team: "finish"),
            Station(name: "SHIP-1", mode: .ship, team: "finish"), Station(name: "ASK-1", mode: .lookup),
        ]
        for station in stations { plant.stations[station.name] = station }
        return plant
    }

    func access(_ login: String) throws -> Access {
        try #require(Access(login: login, isAdmin: login == "root", in: ledger.plant))
    }

    func wait(_ milliseconds: Int64) { clock.now.withLock { $0 += milliseconds } }

    /// Carries out a command, 2 s after what went before.
    func run(_ command: Command, as login: String = "root") async throws {
        wait(2_000)
        let actor = login == "root" ? ledger.admin : Actor.person(try access(login))
        _ = try await ledger.submit(command, by: actor) { _, _ in StoredAnswer(status: 200, body: []) }
    }

    /// Scans at a station with its own scanner, 2 s after what went before.
    @discardableResult
    func scan(_ station: String, _ text: String) async throws -> ScanAnswer {
        wait(2_000)
        let device = "/dev/input/event0"
        return try await ledger.scan(
            Scan(station: station, text: text, code: Code(frame: text)), by: .device(device), device: device)
    }

    func openOrder(_ number: String, _ product: String, _ quantity: Int, _ team: String) async throws {
        try await run(.createWorkOrder(number: number, product: product, quantity: quantity, team: team, due: nil))
        try await run(.moveWorkOrder(number, to: .released))
    }

    /// Whatever a shift may do, in no sensible order.
    func work(steps: Int, _ random: inout SeededRandom) async throws {
        try await openOrder("1001", "PCB-100", 40, "smt")
        try await openOrder("2001", "PCB-200", 40, "finish")
        try await openOrder("3001", "PCB-100", 40, "desk")
        try await run(.receive(product: "PCB-100", serials: ["X-1", "X-2"], supplier: nil, cost: nil, note: "found"))
        var serials = ["X-1", "X-2", "X-3", "NOBODY"]
        for step in 0..<steps {
            let serial = random.pick(serials)
            do {
                switch Int.random(in: 0..<6, using: &random) {
                case 0: try await run(Self.anyCommand(serial, step, &random))
                case 1, 2:
                    // The unit takes each stage that it is due for, and some get to the end.
                    for station in ["ASSY-1", "TEST-1", "COAT-1", "QA-1"] where !random.one(6) {
                        try await scan(station, serial)
                        if random.one(9) { try await scan(station, "1007") }
                        let others = ["TRV:FAIL:SOLDER", "TRV:FAIL:SOLDER", "TRV:REWORK:testing", "TRV:SCRAP:SOLDER"]
                        try await scan(station, random.one(4) ? random.pick(others) : "TRV:PASS")
                        if random.one(6) { try await scan(station, "TRV:UNDO") }
                    }
                    guard random.one(3) else { break }
                    for code in ["TRV:ORDER:SO-\(step)", serial, "TRV:CLOSE"] { try await scan("SHIP-1", code) }
                case 3:
                    try await scan("LABEL-1", "TRV:WO:" + random.pick(["1001", "2001", "3001"]))
                    guard let new = try await scan("LABEL-1", "TRV:NEW").serial else { break }
                    serials.append(new)
                    if !random.one(8) { try await scan("LABEL-1", new) }
                default:
                    let stations = ledger.plant.stations.keys.sorted()
                    try await scan(random.pick(stations), Self.anyCode(serial, &random))
                }
            } catch is Refusal {}
            if random.one(25) { wait(700_000) }
            if random.one(40) { wait(20_000_000) }
        }
    }

    private static func anyCode(_ serial: String, _ random: inout SeededRandom) -> String {
        random.pick([
            serial, serial, serial, "TRV:NEW", "TRV:NEW", "TRV:PASS", "TRV:FAIL:SOLDER", "TRV:UNDO", "TRV:UNDO",
            "TRV:HOLD",
            "TRV:RELEASE", "TRV:SCRAP:SOLDER", "TRV:REWORK:assembly", "TRV:REWORK:testing", "TRV:CANCEL", "TRV:WO:1001",
            "TRV:WO:2001",
            "TRV:WO:3001", "TRV:ORDER:SO-1", "TRV:CLOSE", "TRV:QTY:2", "RES-10K", "1007", "1008", "1007", "TRV:REPRINT",
            "TRV:BADGE:1008", "TRV:NONSENSE",
        ])
    }

    private static func anyCommand(_ serial: String, _ step: Int, _ random: inout SeededRandom) -> Command {
        switch Int.random(in: 0..<12, using: &random) {
        case 0: .receive(product: "PCB-100", serials: [serial], supplier: nil, cost: Money(12.5), note: "found")
        case 1: .hold(serial, note: "look")
        case 2: .release(serial, note: "fine")
        case 3: .markDefect(serial, .pending, type: "SOLDER", toStage: nil, note: "bad")
        case 4: .markDefect(serial, .rework, type: nil, toStage: "assembly", note: "again")
        case 5: .markDefect(serial, .scrap, type: nil, toStage: nil, note: "no use")
        case 6: .writeOff(serial, random.one(2) ? .lost : .scrap, price: nil, note: "gone")
        case 7: .adjust(product: "RES-10K", change: Int.random(in: -5...15, using: &random), note: "counted")
        case 8: .deliver(order: "D-\(step)", customer: nil, serials: [serial], items: [("RES-10K", 1)])
        case 9: .register(product: "PCB-200", serials: ["R-\(step)"], workOrder: "2001")
        default: .assign(serial, to: random.pick(["mia", "tom", "kim", nil]))
        }
    }

    /// All units, whoever asks.
    func allUnits() async throws -> [Unit] {
        try await ledger.read { db in try db.select("SELECT \(Unit.columns) FROM unit ORDER BY serial", Unit.init(row:))
        }
    }

    /// All events, whoever asks.
    func allEvents() async throws -> [EventRecord] {
        try await ledger.read { db in
            try db.select("SELECT \(EventRow.columns(of: "event")) FROM event ORDER BY id", EventRecord.init(row:))
        }
    }
}

extension Connection {
    /// Every page of the events that a caller sees.
    func allEvents(
        _ filter: EventFilter = EventFilter(), for access: Access, in plant: Plant, limit: Int = 300,
        descending: Bool = false
    ) throws -> [EventRecord] {
        var (found, page) = ([EventRecord](), Page(limit: limit, descending: descending))
        repeat {
            let listing = try events(filter, for: access, in: plant, page)
            (found, page.cursor) = (found + listing.items, listing.nextCursor)
        } while page.cursor != nil
        return found
    }

    /// A ledger's tables in memory, with nothing in them.
    static func empty() throws -> Connection {
        let connection = try Connection(path: ":memory:", mode: .readWrite)
        try Schema.migrate(connection)
        return connection
    }

    /// Puts a unit in its place without an event, for tests of what is read alone.
    func insert(_ unit: Unit) throws {
        let state = unit.state
        try Store(self).run(
            """
            INSERT OR REPLACE INTO unit (serial, product, work_order, team, created_at, updated_at, last_event, status,
                stage, assignee, worker, delivery, state, on_hold)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
            """,
            [
                .text(unit.serial), .text(unit.product), Value(unit.workOrder), Value(unit.team), .int(unit.createdAt),
                .int(unit.updatedAt), .int(unit.lastEvent), .text(state.status.rawValue), Value(state.stage),
                Value(state.assignee), Value(state.worker), Value(state.delivery), .text(state.text),
                .int(state.onHold ? 1 : 0),
            ])
    }
}
