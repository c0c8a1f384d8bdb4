import Barcodes
import Tracking

/// A small line of two departments, for tests of the rules.
func smallPlant() -> Plant {
    var plant = Plant()
    plant.departments["electronics"] = Department(code: "electronics", name: "Electronics", lead: "dora")
    plant.departments["service"] = Department(code: "service", name: "Service")
    plant.teams["smt"] = Team(code: "smt", name: "SMT", department: "electronics", lead: "lena")
    plant.teams["finish"] = Team(code: "finish", name: "Finishing", department: "electronics")
    plant.teams["desk"] = Team(code: "desk", name: "Desk", department: "service")
    plant.people["ada"] = Person(login: "ada", name: "Ada", role: .admin)
    plant.people["dora"] = Person(login: "dora", name: "Dora", role: .departmentLead, department: "electronics")
    plant.people["lena"] = Person(login: "lena", name: "Lena", role: .teamLead, team: "smt", grants: [.defectsManage])
    plant.people["mia"] = Person(login: "mia", name: "Mia", role: .member, team: "smt", badge: "digest:1007")
    plant.people["tom"] = Person(login: "tom", name: "Tom", role: .member, team: "finish", badge: "digest:1008")
    plant.suppliers["acme"] = Supplier(code: "acme", name: "Acme")
    plant.defectTypes["SOLDER"] = DefectType(code: "SOLDER", name: "Solder bridge")
    plant.routings["board"] = Routing(
        code: "board",
        stages: [
            Stage(name: "assembly"), Stage(name: "testing", verdictRequired: true, maxIterations: 3),
            Stage(name: "coating", optional: true), Stage(name: "qa", verdictRequired: true),
        ])
    var board = Product(code: "PCB-100", name: "Controller board", type: "pcb")
    (board.routing, board.serial) = ("board", .pattern("B-{seq:4}", per: "product"))
    plant.products["PCB-100"] = board
    plant.products["RES-10K"] = Product(code: "RES-10K", name: "Resistor", type: "part")
    var label = Station(name: "LABEL-1", mode: .label, team: "smt")
    label.printers = ["file:labels/"]
    plant.stations["LABEL-1"] = label
    plant.stations["ASSY-1"] = Station(name: "ASSY-1", mode: .pass, stages: ["assembly"], team: "smt")
    plant.stations["TEST-1"] = Station(name: "TEST-1", mode: .verdict, stages: ["testing"], team: "smt")
    plant.stations["COAT-1"] = Station(name: "COAT-1", mode: .pass, stages: ["coating"], team: "finish")
    plant.stations["QA-1"] = Station(name: "QA-1", mode: .verdict, stages: ["qa"], team: "finish")
    plant.stations["SHIP-1"] = Station(name: "SHIP-1", mode: .ship, team: "finish")
    plant.stations["ASK-1"] = Station(name: "ASK-1", mode: .lookup, team: "smt")
    return plant
}

/// The rules with nothing on record, and a clock that the test moves.
struct Floor {
    var state: State
    var now: Int64 = 1_772_438_400_000
    var log: [InventoryEntry] = []
    /// By how much the wall clock was set forward.
    var step: Int64 = 0
    /// Goods without serials that were made under each order, less what was taken back.
    var made: [String: Int] = [:]

    init(_ plant: Plant = smallPlant()) {
        state = State(
            records: NoRecords(), localDate: { LocalDate(daysSince1970: Int($0 / 86_400_000)) },
            badgeDigest: { "digest:" + $0 })
        state.restore(plant, head: 0)
    }

    func access(_ login: String) throws -> Access {
        guard let access = Access(login: login, isAdmin: false, in: state.plant) else { throw Unknown(login: login) }
        return access
    }

    struct Unknown: Error { var login: String }

    /// Decides and applies, as the ledger does.
    @discardableResult
    mutating func run(_ command: Command, by actor: Actor) throws -> Decision {
        now += 2_000
        let decision = try state.decide(
            command, by: actor, device: "test", at: Moment(wall: now + step, steady: now, run: 1))
        for event in decision.events {
            state.apply(event, at: now + step)
            if let order = event.workOrder, case .stock(let change) = event.change { made[order, default: 0] += change }
        }
        if let (key, session) = decision.session { state.sessions.write(key, session) }
        log += state.inventoryLog
        state.inventoryLog = []
        return decision
    }

    @discardableResult
    mutating func run(_ command: Command, as login: String = "ada") throws -> Decision {
        try run(command, by: .person(access(login)))
    }

    /// A scan by the station's own device.
    @discardableResult
    mutating func scan(_ station: String, _ text: String) throws -> ScanAnswer {
        let decision = try run(
            .scan(Scan(station: station, text: text, code: Code(frame: text))), by: .device("/dev/input/event0"))
        guard let answer = decision.answer else { throw Unknown(login: station) }
        return answer
    }

    mutating func openOrder(_ number: String = "1001", quantity: Int = 10) throws {
        try run(.createWorkOrder(number: number, product: "PCB-100", quantity: quantity, team: "smt", due: nil))
        try run(.moveWorkOrder(number, to: .released))
    }

    /// A unit on its way, at `assembly`.
    mutating func startUnit() throws -> String {
        try scan("LABEL-1", "TRV:WO:1001")
        let serial = try scan("LABEL-1", "TRV:NEW").serial ?? ""
        try scan("LABEL-1", serial)
        return serial
    }
}
