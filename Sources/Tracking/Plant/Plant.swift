import Barcodes

/// Everything a site file describes: the organisation, the catalogue and the stations of one plant.
///
/// Entries are keyed by their code (people by login, stations and label designs by name). Nothing is ever removed:
/// what a site file no longer names is `retired`.
public struct Plant: Sendable, Equatable, Codable {
    /// Plant-wide settings.
    public var settings = Settings()
    /// Departments by code.
    public var departments: [String: Department] = [:]
    /// Teams by code.
    public var teams: [String: Team] = [:]
    /// People by login.
    public var people: [String: Person] = [:]
    /// Suppliers by code.
    public var suppliers: [String: Supplier] = [:]
    /// Defect types by code.
    public var defectTypes: [String: DefectType] = [:]
    /// Routings by code, each with all of its versions.
    public var routings: [String: Routing] = [:]
    /// Label designs by name.
    public var labels: [String: LabelDesign] = [:]
    /// Products by code.
    public var products: [String: Product] = [:]
    /// Stations by name.
    public var stations: [String: Station] = [:]
    /// Webhooks by id. No site file says anything of them.
    public var webhooks: [String: Webhook] = [:]

    /// A plant without anything in it, as it is before the first site file.
    public init() {}

    /// The stages of one version of a routing, or nil where there is none.
    public func stages(_ ref: RoutingRef?) -> [Stage]? {
        guard let ref, let versions = routings[ref.code]?.versions, versions.indices.contains(ref.version - 1) else {
            return nil
        }
        return versions[ref.version - 1]
    }

    /// The current version of the routing of `product`, or nil where the product has none.
    public func currentRouting(of product: String) -> RoutingRef? {
        guard let code = products[product]?.routing, let routing = routings[code] else { return nil }
        return RoutingRef(code: code, version: routing.versions.count)
    }

    /// The product with this GTIN of 14 digits, one that is in use before a retired one; nil where there is none.
    public func product(gtin: String) -> Product? {
        let all = products.values.filter { $0.gtin == gtin }
        return all.first { !$0.retired } ?? all.min { $0.code < $1.code }
    }

    /// The product that a text is the code or a GTIN of, as labels and bags have it. A UPC-E stands for its GTIN.
    public func product(named text: String) -> Product? {
        products[text] ?? GTIN.readings(text).lazy.compactMap(product(gtin:)).first
    }

    /// The product that coded data names; nil where there is none.
    func product(of named: CodedItem.Product) -> Product? {
        switch named {
        case .gtin(let gtin): product(gtin: gtin)
        case .code(let code): products[code]
        }
    }

    /// The station that a scanner is bound to, or nil where it is nobody's.
    public func station(ofScanner device: DeviceAddress) -> Station? {
        stations.values.first { !$0.retired && $0.scanners.contains { $0.device == device } }
    }

    /// The station of each scanner that is bound.
    public var scannerOwners: [DeviceAddress: String] {
        stations.values.filter { !$0.retired }.reduce(into: [:]) { owners, station in
            for scanner in station.scanners { owners[scanner.device] = station.name }
        }
    }

    /// The department of a team, or nil for an unknown team.
    public func department(ofTeam team: String?) -> String? {
        team.flatMap { teams[$0]?.department }
    }
}

/// Plant-wide settings. Durations are milliseconds.
public struct Settings: Sendable, Equatable, Codable {
    /// IANA name of the zone in which serial numbers are dated.
    public var timezone = "UTC"
    /// The same code again within this time is a double read.
    public var doubleRead = 1_500
    /// How long a step can be undone at its station.
    public var undoWithin = 600_000
    /// A station idle for this long signs its operator off; 0 never does.
    public var signOffAfter = 1_800_000
    /// The stage where refurbished returns go.
    public var reworkStage: String?
    /// Where a returned item of each condition is put when it is restocked.
    public var returnLocations: [String: String] = [:]
    /// Whether the last inspection of a return completes it; absent in what older versions recorded.
    public var autoComplete: Bool?
    /// What differs from the usual refund policy; absent in what older versions recorded.
    public var refundPolicy: RefundPolicy?
    /// The checklists of inspections by kind of return; absent in what older versions recorded.
    public var returnChecklists: [String: [String]]?

    /// The defaults of a plant whose site file says nothing.
    public init() {}
}

/// A department of the organisation.
public struct Department: Sendable, Equatable, Codable {
    /// Unique code.
    public var code: String
    /// What people call it.
    public var name: String
    /// Login of its lead.
    public var lead: String?
    /// No longer in the site file.
    public var retired = false

    /// A department that is in use.
    public init(code: String, name: String, lead: String? = nil) {
        (self.code, self.name, self.lead) = (code, name, lead)
    }
}

/// A team of a department. Units belong to the team of their work order.
public struct Team: Sendable, Equatable, Codable {
    /// Unique code.
    public var code: String
    /// What people call it.
    public var name: String
    /// Code of its department.
    public var department: String
    /// Login of its lead.
    public var lead: String?
    /// No longer in the site file.
    public var retired = false

    /// A team that is in use.
    public init(code: String, name: String, department: String, lead: String? = nil) {
        (self.code, self.name, self.department, self.lead) = (code, name, department, lead)
    }
}

/// A person: a Unix login with a role, and what was granted beside it.
public struct Person: Sendable, Equatable, Codable {
    /// The Unix user name; this is how the daemon knows who calls.
    public var login: String
    /// What people call them.
    public var name: String
    /// What they may see and do by office.
    public var role: Role
    /// Department of a department lead.
    public var department: String?
    /// Team of a team lead or member.
    public var team: String?
    /// Keyed hash of the badge code, `hmac-sha256:` and 64 hexadecimal digits; the code itself is never kept.
    public var badge: String?
    /// What was granted beside the role.
    public var grants: Set<Grant> = []
    /// Left, or no longer in the site file: without any right.
    public var retired = false

    /// A person with a role.
    public init(
        login: String, name: String, role: Role, department: String? = nil, team: String? = nil, badge: String? = nil,
        grants: Set<Grant> = []
    ) {
        (self.login, self.name, self.role, self.department) = (login, name, role, department)
        (self.team, self.badge, self.grants) = (team, badge, grants)
    }

    /// Writes the grants in the order of their names: one person always gives one text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(login, forKey: .login)
        try container.encode(name, forKey: .name)
        try container.encode(role, forKey: .role)
        try container.encodeIfPresent(department, forKey: .department)
        try container.encodeIfPresent(team, forKey: .team)
        try container.encodeIfPresent(badge, forKey: .badge)
        try container.encode(grants.sorted { $0.rawValue < $1.rawValue }, forKey: .grants)
        try container.encode(retired, forKey: .retired)
    }
}

/// What a person may see and do by office.
public enum Role: String, Sendable, Codable, CaseIterable {
    /// Everything.
    case admin
    /// Sees and steers a department.
    case departmentLead = "department_lead"
    /// Sees and steers a team.
    case teamLead = "team_lead"
    /// Sees what is assigned to them or was last in their hands.
    case member
}

/// A right given to a person beside the role; where nothing else is said it acts within the holder's scope.
public enum Grant: String, Sendable, Codable, CaseIterable {
    /// Register, receive, hold, release and write off units.
    case unitsWrite = "units:write"
    /// Adjust stock, plant-wide.
    case stockAdjust = "stock:adjust"
    /// Mark units defective.
    case defectsMark = "defects:mark"
    /// Work on defect cases; includes marking.
    case defectsManage = "defects:manage"
    /// Work on every customer return.
    case returnsManage = "returns:manage"
    /// Inspect every customer return.
    case returnsInspect = "returns:inspect"
    /// Deliver every unit in stock.
    case deliver
    /// Print and reprint labels.
    case labelsPrint = "labels:print"
    /// Read the audit log.
    case auditRead = "audit:read"
    /// Read the metrics.
    case metricsRead = "metrics:read"
    /// Make a terminal the station itself, where badges sign on.
    case stationTerminal = "station:terminal"
}

/// Somebody who delivers goods.
public struct Supplier: Sendable, Equatable, Codable {
    /// Unique code.
    public var code: String
    /// What people call them.
    public var name: String
    /// No longer in the site file.
    public var retired = false

    /// A supplier that is in use.
    public init(code: String, name: String) {
        (self.code, self.name) = (code, name)
    }
}

/// A way in which a unit can be defective.
public struct DefectType: Sendable, Equatable, Codable {
    /// Unique code, as it stands in `TRV:FAIL:<code>`.
    public var code: String
    /// What people call it.
    public var name: String
    /// What it is counted under.
    public var category: String?
    /// Not to be used for new defects.
    public var retired = false

    /// A defect type that is in use.
    public init(code: String, name: String, category: String? = nil) {
        (self.code, self.name, self.category) = (code, name, category)
    }
}

/// A product's ordered stages, in all the versions they ever had. Version numbers start at 1.
public struct Routing: Sendable, Equatable, Codable {
    /// Unique code.
    public var code: String
    /// `versions[n - 1]` are the stages of version n; the last one is current.
    public var versions: [[Stage]]
    /// No longer in the site file; units under way still follow it.
    public var retired = false

    /// A routing in its first version.
    public init(code: String, stages: [Stage]) {
        (self.code, self.versions) = (code, [stages])
    }
}

/// One version of a routing, as a unit keeps it.
public struct RoutingRef: Sendable, Equatable, Hashable, Codable {
    /// Code of the routing.
    public var code: String
    /// Version, from 1.
    public var version: Int

    /// Names a version of a routing.
    public init(code: String, version: Int) {
        (self.code, self.version) = (code, version)
    }
}

/// A named step of a routing, with its conditions.
public struct Stage: Sendable, Equatable, Codable {
    /// Name, unique within the routing.
    public var name: String
    /// May be skipped.
    public var optional = false
    /// Is left only by a verdict, pass or fail.
    public var verdictRequired = false
    /// Units sent back more often than this are refused.
    public var maxIterations: Int?
    /// Refused as `too_soon` until this time has gone since an earlier stage was passed.
    public var minSince: Since?
    /// Refused as `too_late` once this time has gone since an earlier stage was passed.
    public var maxSince: Since?

    /// A duration since an earlier stage of the same routing was passed.
    public struct Since: Sendable, Equatable, Codable {
        /// Name of the earlier stage.
        public var stage: String
        /// Milliseconds.
        public var time: Int

        /// A time in milliseconds since `stage` was passed.
        public init(stage: String, time: Int) {
            (self.stage, self.time) = (stage, time)
        }
    }

    /// A stage without conditions.
    public init(
        name: String, optional: Bool = false, verdictRequired: Bool = false, maxIterations: Int? = nil,
        minSince: Since? = nil, maxSince: Since? = nil
    ) {
        (self.name, self.optional, self.verdictRequired) = (name, optional, verdictRequired)
        (self.maxIterations, self.minSince, self.maxSince) = (maxIterations, minSince, maxSince)
    }
}

/// The ZPL text of a label, with `{{field}}` placeholders.
public struct LabelDesign: Sendable, Equatable, Codable {
    /// Unique name.
    public var name: String
    /// ZPL II with placeholders.
    public var zpl: String
    /// No longer in the site file.
    public var retired = false

    /// A label design that is in use.
    public init(name: String, zpl: String) {
        (self.name, self.zpl) = (name, zpl)
    }
}

/// Something the plant makes, keeps or uses.
public struct Product: Sendable, Equatable, Codable {
    /// Unique code.
    public var code: String
    /// What people call it.
    public var name: String
    /// `pcb`, `panel`, `part`, or the site's own.
    public var type: String
    /// Variant attributes by name.
    public var attributes: [String: String] = [:]
    /// GTIN of 8, 12, 13 or 14 digits, kept as 14.
    public var gtin: String?
    /// Code of its routing; without one its units are received, never made here. Goods without serials have none.
    public var routing: String?
    /// How its serials come about.
    public var serial: SerialRule?
    /// Name of its label design.
    public var label: String?
    /// Low stock is a store quantity below this.
    public var lowStock = 10
    /// Code of the default supplier.
    public var supplier: String?
    /// What one unit costs.
    public var cost: Money?
    /// Is consumed by repairs.
    public var sparePart = false
    /// Minimum stock of a spare part.
    public var minStock: Int?
    /// No longer in the site file: no new work orders or units.
    public var retired = false

    /// A product that is in use.
    public init(code: String, name: String, type: String) {
        (self.code, self.name, self.type) = (code, name, type)
    }
}

/// How a product's serials come about.
public enum SerialRule: Sendable, Equatable, Codable {
    /// Made here from a pattern, with a counter per `period` (`product`, `order`, `day`, `week`).
    case pattern(String, per: String)
    /// Made elsewhere; a typed or scanned serial must match this regular expression as a whole.
    case external(String)
}

/// What a scan of a serial means at a station.
public enum StationMode: String, Sendable, Codable, CaseIterable {
    /// The label is good and the unit is registered.
    case label
    /// The stage is done and passed.
    case pass
    /// The unit is on the bench; the verdict follows.
    case verdict
    /// Add to the open delivery.
    case ship
    /// Receive back from a customer.
    case returns
    /// Show the unit; change nothing.
    case lookup
}

/// A place on the shop floor with a mode and the stages it performs.
public struct Station: Sendable, Equatable, Codable {
    /// Unique name.
    public var name: String
    /// What a scanned serial means here.
    public var mode: StationMode
    /// Names of the stages performed here.
    public var stages: [String] = []
    /// Code of the team that works here.
    public var team: String?
    /// Nothing is done here without a signed-on person.
    public var signOnRequired = false
    /// Printer addresses: `port:ID_PATH`, `serial:NUMBER`, `file:DIR/`, `file:NAME`, `tcp://HOST:PORT`.
    public var printers: [String] = []
    /// Scanners bound to this station.
    public var scanners: [ScannerBinding] = []
    /// For which scans its printer prints a slip; nil for none.
    public var slips: Slips?
    /// No longer in the site file.
    public var retired = false

    /// A station that is in use.
    public init(name: String, mode: StationMode, stages: [String] = [], team: String? = nil) {
        (self.name, self.mode, self.stages, self.team) = (name, mode, stages, team)
    }
}

/// Which scanner belongs to a station.
public struct ScannerBinding: Sendable, Equatable, Codable {
    /// Where or what it is.
    public var device: DeviceAddress
    /// Keyboard layout that the scanner types in: `us`, `uk`, `de`, `fr`.
    public var layout: String
    /// Speed of a serial port; nil for the usual 9,600 baud.
    public var baud: Int?

    /// Binds the scanner at an address.
    public init(_ device: DeviceAddress, layout: String = "us", baud: Int? = nil) {
        (self.device, self.layout, self.baud) = (device, layout, baud)
    }

    private enum CodingKeys: String, CodingKey { case device, node, layout, baud }

    /// Reads a binding; the first version knew nodes only.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        if let node = try values.decodeIfPresent(String.self, forKey: .node) {
            device = .node(node)
        } else {
            device = try values.decode(DeviceAddress.self, forKey: .device)
        }
        layout = try values.decode(String.self, forKey: .layout)
        baud = try values.decodeIfPresent(Int.self, forKey: .baud)
    }

    /// Writes a binding.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(device, forKey: .device)
        try values.encode(layout, forKey: .layout)
        try values.encodeIfPresent(baud, forKey: .baud)
    }
}

/// For which scans a station prints a slip.
public enum Slips: String, Sendable, Codable, CaseIterable {
    /// For those that did not count.
    case refused
    /// For each.
    case all
}

/// An amount of the plant's one currency, exact to a ten-thousandth.
public struct Money: Sendable, Equatable, Comparable, Codable {
    /// The amount in ten-thousandths.
    public var tenThousandths: Int

    /// An amount in ten-thousandths.
    public init(tenThousandths: Int) {
        self.tenThousandths = tenThousandths
    }

    /// The nearest ten-thousandth, or nil for what is negative, not finite or above a thousand million.
    public init?(_ amount: Double) {
        guard amount.isFinite, amount >= 0, amount <= Double(Limits.amount) else { return nil }
        tenThousandths = Int((amount * 10_000).rounded())
    }

    /// Reads a plain number.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let amount = try container.decode(Double.self)
        guard let money = Money(amount) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "an amount is 0 or more")
        }
        self = money
    }

    /// Writes a plain number.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Double(tenThousandths) / 10_000)
    }

    /// Smaller amounts come first.
    public static func < (left: Money, right: Money) -> Bool {
        left.tenThousandths < right.tenThousandths
    }
}
