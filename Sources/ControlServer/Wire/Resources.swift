import ControlAPI
import Ledger
import Line
import Tracking

/// What the wire's objects are made of, each described once for all routes that take or give it.
enum Resource: String, Sendable, CaseIterable {
    case unit, unitState = "unit_state", historyItem = "history_item", product, workOrder = "work_order", station
    case device, pairing, scanAnswer = "scan_answer", labelJob = "label_job", delivery, inventoryLine = "inventory_line"
    case auditItem = "audit_item", scanItem = "scan_item", supplier, defectType = "defect_type", department, team
    case person, plan, status, whoami, labelPreview = "label_preview", verification
    case verificationProgress = "verification_progress"
    case defect, defectCards = "defect_cards", defectHistoryItem = "defect_history_item"
    case supplierReturn = "supplier_return", repair, writeOff = "write_off", sparePart = "spare_part"
    case defectLine = "defect_line", costLine = "cost_line", defectReport = "defect_report"
    case costReport = "cost_report"
    case customerReturn = "return", returnItem = "return_item", photo, qcTask = "qc_task", customer
    case returnLine = "return_line", returnReport = "return_report"
    case webhook, webhookDelivery = "webhook_delivery"
    case wipLine = "wip_line", yieldLine = "yield_line", throughputLine = "throughput_line", problem

    var shape: Shape { .object(properties) }

    private var properties: [Property] {
        switch self {
        case .unit: Self.unitProperties
        case .unitState:
            [
                Property("status", .choice(Status.self)), Property("stage", .text, optional: true),
                Property("iteration", .count), Property("on_hold", .flag), Property("assignee", .text, optional: true),
                Property("worker", .text, optional: true),
            ]
        case .historyItem: Self.historyProperties
        case .product: Self.productProperties
        case .workOrder:
            [
                Property("number", .text), Property("product", .text), Property("quantity", .count),
                Property("team", .text), Property("due", .day, optional: true),
                Property("status", .choice(WorkOrderStatus.self)),
                Property("pending_labels", .count, "Labels printed and not yet scanned back."),
                Property("registered", .count, "Units ever registered."), Property("in_production", .count),
                Property("good", .count, "Units finished and good."), Property("written_off", .count),
                Property("created_at", .time),
            ]
        case .station: Self.stationProperties
        case .scanAnswer: Self.scanAnswerProperties
        case .labelJob:
            [
                Property("id", .text), Property("serial", .text), Property("product", .text),
                Property("printer", .text),
                Property("copy", .count, "0 for the first label, then the number of the copy."),
                Property("status", .choice(LabelJobStatus.self)),
                Property("problem", .text, "Why it waits or failed.", optional: true), Property("attempts", .count),
                Property(
                    "may_be_double", .flag,
                    "An attempt broke off after its first byte; what is printed since then says so."),
                Property("created_at", .time),
            ]
        case .delivery:
            [
                Property("id", .text), Property("order", .text), Property("customer", .text, optional: true),
                Property("status", .choice(["open", "closed"])), Property("station", .text, optional: true),
                Property("return", .text, "Id of the return that it is sent for.", optional: true),
                Property("count", .count), Property("opened_at", .time), Property("closed_at", .time, optional: true),
                Property(
                    "items",
                    .list(
                        .object([
                            Property("product", .text), Property("serial", .text, optional: true),
                            Property("quantity", .integer),
                        ])), "What it holds; not in lists.", optional: true),
            ]
        case .inventoryLine: Self.inventoryProperties
        case .auditItem: Self.auditProperties
        case .scanItem:
            [
                Property("event", .text), Property("at", .time), Property("station", .text, optional: true),
                Property("device", .text, optional: true), Property("code", .text, optional: true),
                Property(
                    "result", .choice(["accepted", "refused", "ignored", "connected", "disconnected"]),
                    "What came of the scan; the last two are the scanner's own."),
                Property("reason", .choice(Reason.self), optional: true), Property("unit", .text, optional: true),
                Property("operator", .text, optional: true),
                Property(
                    "note", .text(65_536), "Which device came, why it went, or how a scan broke.", optional: true),
            ]
        case .device: Self.deviceProperties
        case .pairing:
            [
                Property("station", .text), Property("code", .text, "What the scanner has to read."),
                Property("expires_at", .time), Property("state", .choice(["waiting", "paired", "expired", "failed"])),
                Property("device", .text, "The address of the scanner that read it.", optional: true),
                Property("layout", .text, "The layout in which it types.", optional: true),
                Property("problem", .text, "Why it could not be bound.", optional: true),
            ]
        case .supplier:
            [
                Property("code", .text), Property("name", .text), Property("retired", .flag),
                Property("cases", .named(.defectCards), "Not in lists.", optional: true),
                Property("credit", .number, "What it credited for them; not in lists.", optional: true),
                Property(
                    "open_cases", .list(.named(.defect)), "The last 20 that are not resolved; not in lists.",
                    optional: true),
                Property(
                    "returns", .list(.named(.supplierReturn)), "The last 20 that went back; not in lists.",
                    optional: true),
            ]
        case .defectType:
            [
                Property("code", .text), Property("name", .text), Property("category", .text, optional: true),
                Property("retired", .flag),
            ]
        case .department:
            [
                Property("code", .text), Property("name", .text), Property("lead", .text, optional: true),
                Property("retired", .flag),
            ]
        case .team:
            [
                Property("code", .text), Property("name", .text), Property("department", .text),
                Property("lead", .text, optional: true), Property("retired", .flag),
            ]
        case .person:
            [
                Property("login", .text), Property("name", .text), Property("role", .choice(Role.self)),
                Property("department", .text, optional: true), Property("team", .text, optional: true),
                Property("has_badge", .flag), Property("grants", .list(.choice(Grant.self))),
                Property("retired", .flag),
            ]
        default: Self.otherProperties(self)
        }
    }

    private static func otherProperties(_ resource: Resource) -> [Property] {
        switch resource {
        case .plan:
            [
                Property(
                    "changes",
                    .list(
                        .object([
                            Property("action", .choice(["create", "change", "retire", "new_version"])),
                            Property("kind", .text), Property("name", .text),
                            Property("fields", .list(.text), "What differs.", optional: true),
                            Property(
                                "holds",
                                .object(
                                    ["in_stock", "in_production", "returned", "defect", "open_cases"].map {
                                        Property($0, .integer, optional: true)
                                    }),
                                "What is still there of a product or supplier that would be retired.", optional: true),
                        ]))), Property("unchanged", .flag),
                Property(
                    "locks_out", .flag, "Of a plan: afterwards the caller would be no admin any more.", optional: true),
            ]
        case .status:
            [
                Property("version", .text), Property("started_at", .time), Property("uptime_seconds", .count),
                Property("site", .flag, "Whether a site file was applied."),
                Property("head", .count, "Number of the last event."), Property("role", .choice(Role.self)),
                Property(
                    "problems", .list(.text), "What is wrong now: with the ledger for everybody, the rest for admins."),
                Property("next", .list(.text), "What to do next."),
            ]
        case .whoami:
            [
                Property("login", .text), Property("uid", .count, optional: true), Property("role", .choice(Role.self)),
                Property("name", .text, optional: true), Property("department", .text, optional: true),
                Property("team", .text, optional: true), Property("grants", .list(.choice(Grant.self))),
                Property("scope", .choice(["all", "department", "team", "own"])),
                Property("teams", .list(.text), "Of a lead: those in the scope.", optional: true),
                Property("sees", .list(.text), "What lies within the scope, in words."),
                Property(
                    "may",
                    .list(
                        .object([
                            Property("verb", .choice(Verb.self), "As in `x-verbs` of this document."),
                            Property("what", .text, "In words, after `may`."),
                        ])), "What the caller may do, within the scope."),
            ]
        case .labelPreview: [Property("serial", .text), Property("design", .text), Property("zpl", .text(65_536))]
        case .verification:
            [
                Property("ok", .flag), Property("events", .count),
                Property("photos", .count, "How many different pictures are on record."),
                Property("lost_photos", .list(.text), "Digests of those whose bytes are missing or others."),
                Property(
                    "problem",
                    .object([Property("table", .text), Property("row", .text(65_536)), Property("message", .text)]),
                    "The first row that differs.", optional: true),
                Property(
                    "damage", .list(.text(65_536)), "What SQLite's check of the file says; empty where it is sound."),
                Property(
                    "rebuildable", .flag,
                    "Whether only indexes are damaged, so that `travelerd check --rebuild-indexes` makes it whole."),
            ]
        case .verificationProgress:
            [
                Property("running", .flag),
                Property("stage", .choice(VerifyProgress.Stage.self), "What is being done.", optional: true),
                Property("done", .count, "How much of the stage is done, in its own measure.", optional: true),
                Property("total", .count, "How much there is; absent where that is not known.", optional: true),
            ]
        case .wipLine:
            [
                Property("product", .text), Property("stage", .text), Property("count", .count),
                Property("oldest_at", .time, "When the one waiting longest was last moved."),
            ]
        case .yieldLine:
            [
                Property("product", .text), Property("stage", .text), Property("passed", .count),
                Property("failed", .count), Property("first_pass_yield", .number, "From 0 to 1."),
            ]
        case .throughputLine:
            [
                Property("day", .day, "In the plant's time zone."), Property("product", .text),
                Property("station", .text, optional: true), Property("passed", .count), Property("finished", .count),
            ]
        case .problem:
            [
                Property("type", .text), Property("title", .text), Property("status", .count),
                Property("code", .choice(ErrorCode.self)),
                Property("reason", .text, "The rule that refused.", optional: true), Property("detail", .text(65_536)),
                Property(
                    "errors",
                    .list(
                        .object([
                            Property("line", .count, optional: true), Property("column", .count, optional: true),
                            Property("path", .text, optional: true), Property("message", .text(65_536)),
                        ])), optional: true),
                Property("allowed", .list(.text), "The methods that this path knows.", optional: true),
            ]
        case .customerReturn, .returnItem, .photo, .qcTask, .customer, .returnLine, .returnReport:
            returnProperties(resource)
        case .webhook, .webhookDelivery: webhookProperties(resource)
        default: defectProperties(resource)
        }
    }

    private static let unitProperties = [
        Property("serial", .text), Property("product", .text), Property("status", .choice(Status.self)),
        Property("stage", .text, "The next stage, while in production.", optional: true),
        Property("next", .text, "Where it must go now.", optional: true), Property("iteration", .count),
        Property("on_hold", .flag), Property("work_order", .text, optional: true),
        Property("team", .text, optional: true), Property("assignee", .text, optional: true),
        Property("worker", .text, "Who last worked on it.", optional: true),
        Property("supplier", .text, optional: true), Property("cost", .money, optional: true),
        Property("delivery", .text, optional: true),
        Property("order", .text, "The customer's order that it is delivered under; not in lists.", optional: true),
        Property("customer", .text, "Whose order that is, for those who see customers.", optional: true),
        Property("failed_stage", .text, optional: true),
        Property("defect_case", .text, "Id of its open defect case.", optional: true),
        Property("return_item", .text, "Id of its item in the repacking queue.", optional: true),
        Property("replaces", .text, "The defective unit that it was sent for.", optional: true),
        Property("location", .text, "Where it was put when it was restocked from a return.", optional: true),
        Property("replaced_by", .text, "The unit that was sent for it.", optional: true),
        Property("write_off_reason", .choice(WriteOffReason.self), optional: true),
        Property("routing", .text, "Code and version, such as `board/1`.", optional: true),
        Property("created_at", .time), Property("updated_at", .time),
    ]

    private static let historyProperties = [
        Property("event", .text), Property("at", .time), Property("kind", .choice(EventKind.self)),
        Property("actor", .text, optional: true), Property("station", .text, optional: true),
        Property("note", .text(65_536), optional: true), Property("before", .named(.unitState), optional: true),
        Property("after", .named(.unitState), optional: true),
        Property("type", .text, "Code of the defect type.", optional: true), Property("reason", .text, optional: true),
        Property("price", .money, optional: true), Property("defect", .text, "Id of the case.", optional: true),
        Property("return", .text, "Id of the customer's return.", optional: true),
        Property("order", .text, "The customer's order that it left under, or came back from.", optional: true),
        Property("customer", .text, "Whose order that is, for those who see customers.", optional: true),
        Property("location", .text, "Where it was put when it was restocked.", optional: true),
        Property("undoes", .text, "The event that this one takes back.", optional: true),
        Property("work_order", .text, optional: true),
    ]

    private static let productProperties = [
        Property("code", .text), Property("name", .text), Property("type", .text), Property("attributes", .map(.text)),
        Property("gtin", .text, optional: true), Property("routing", .text, optional: true),
        Property("label", .text, optional: true), Property("supplier", .text, optional: true),
        Property("cost", .money, optional: true), Property("spare_part", .flag), Property("retired", .flag),
        Property("in_stock", .count, "Units in stock, and the unserialised balance where the caller sees it."),
        Property("in_production", .count), Property("defect", .count), Property("written_off", .count),
        Property("scrapped", .count, "Of those written off."), Property("delivered", .count),
        Property("returned", .count), Property("in_repacking", .count, "Of the returned ones."),
        Property("installed", .count), Property("split", .count),
        Property("total", .count, "Serials ever registered."), Property("unserialised", .count, optional: true),
        Property("unserialised_defect", .count, "Defective, without serials; no stock.", optional: true),
        Property("unserialised_in_repacking", .count, "Came back, without serials; no stock.", optional: true),
        Property("return_counters", returnCounters, "Within the caller's scope; not in lists.", optional: true),
        Property("min_stock", .count, "Of a spare part.", optional: true),
        Property(
            "defect_counters",
            .object([
                Property("found", .count), Property("repaired", .count), Property("reworked", .count),
                Property("supplier_repaired", .count), Property("replaced", .count), Property("written_off", .count),
                Property("remaining", .count),
            ]), "What became of all its defects, within the caller's scope; not in lists.", optional: true),
        Property("low_stock", .flag, optional: true), Property("low_stock_threshold", .count, optional: true),
    ]

    private static let deviceProperties = [
        Property("device", .text, "`port:...`, `serial:...`, `node:...`, or the address of a network printer."),
        Property("kind", .choice(["keyboard", "serial", "hid-pos", "printer"]), optional: true),
        Property("state", .choice(DeviceStatus.State.self)), Property("station", .text, optional: true),
        Property("layout", .text, optional: true), Property("node", .text, optional: true),
        Property("name", .text, "What the maker calls it.", optional: true),
        Property("port", .text, "Where it is plugged in, udev's ID_PATH.", optional: true),
        Property("serial", .text, optional: true),
        Property("known", .flag, "Whether its make is known as a scanner or label printer."),
        Property("problem", .text, "Why it can't be used.", optional: true),
        Property("scans", .count, "Since the start of the daemon."), Property("errors", .count, "Broken ones of them."),
        Property("last_scan_at", .time, optional: true), Property("since", .time, "In this state.", optional: true),
    ]

    private static let stationProperties = [
        Property("name", .text), Property("mode", .choice(StationMode.self)), Property("stages", .list(.text)),
        Property("team", .text, optional: true), Property("sign_on", .choice(["required", "optional"])),
        Property("printers", .list(.text)),
        Property(
            "scanners",
            .list(
                .object([
                    Property("device", .text, "Its address."), Property("layout", .text),
                    Property("baud", .count, optional: true),
                ]))),
        Property("slips", .choice(Slips.self), optional: true),
        Property("operator", .text, "Who is signed on.", optional: true),
        Property("bench", .text, "Serial of the unit on the bench.", optional: true),
        Property("work_order", .text, optional: true), Property("delivery", .text, optional: true),
        Property("connected", .flag, "Whether its scanners are there.", optional: true),
    ]

    private static let scanAnswerProperties = [
        Property("result", .choice(["accepted", "refused", "ignored"])),
        Property("reason", .choice(Reason.self), optional: true), Property("warning", .text, optional: true),
        Property("message", .text, "For the operator."), Property("station", .text),
        Property("code", .text, "As it is recorded.", optional: true), Property("serial", .text, optional: true),
        Property("product", .text, optional: true), Property("status", .choice(Status.self), optional: true),
        Property("stage", .text, optional: true),
        Property("next", .text, "Where the unit must go now.", optional: true),
        Property(
            "word", .choice(Outcome.self),
            "What happened, as the station's screen says it; not of units outside the scope.",
            optional: true),
        Property("colour", .choice(Outcome.Colour.self), "What the word is shown on.", optional: true),
        Property(
            "in_production", .count,
            "Of the product; at lookup, label and returns stations. Of goods made by quantity, what is still to be made.",
            optional: true),
        Property("in_repacking", .count, "Of the product; at lookup, label and returns stations.", optional: true),
        Property("in_stock", .count, "Of the product; at lookup, label and returns stations.", optional: true),
        Property("iteration", .count, optional: true), Property("operator", .text, optional: true),
        Property("work_order", .text, optional: true), Property("event", .text, optional: true), Property("at", .time),
    ]

    private static let inventoryProperties = [
        Property("event", .text), Property("at", .time), Property("product", .text),
        Property("action", .choice(InventoryAction.self)), Property("change", .integer),
        Property("before", .integer, "Store quantity before; for those who see balances.", optional: true),
        Property("after", .integer, optional: true), Property("unit", .text, optional: true),
        Property("work_order", .text, optional: true), Property("delivery", .text, optional: true),
        Property("actor", .text, optional: true), Property("station", .text, optional: true),
        Property("note", .text(65_536), optional: true), Property("kind", .choice(EventKind.self)),
    ]

    private static let auditProperties = [
        Property("event", .text), Property("at", .time), Property("kind", .choice(EventKind.self)),
        Property("actor", .text, optional: true), Property("station", .text, optional: true),
        Property("unit", .text, optional: true), Property("product", .text, optional: true),
        Property("work_order", .text, optional: true), Property("team", .text, optional: true),
        Property("reason", .text, optional: true), Property("note", .text(65_536), optional: true),
        Property("code", .text, "The frame as it came.", optional: true),
        Property("before", .named(.unitState), optional: true), Property("after", .named(.unitState), optional: true),
        Property("details", .anything, "What else belongs to it, or what changed.", optional: true),
    ]
}
