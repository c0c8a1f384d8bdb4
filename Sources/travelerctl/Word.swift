import ArgumentParser

/// A word out of a few. It may be written as tables show it, too: `in stock`, `in-stock` and `in_stock` are one.
protocol Word: RawRepresentable<String>, CaseIterable, ExpressibleByArgument, Sendable {
    /// Other words that mean one of these.
    static var synonyms: [String: Self] { get }
}

extension Word {
    static var synonyms: [String: Self] { [:] }

    init?(argument: String) {
        let word = String(argument.lowercased().map { $0 == " " || $0 == "-" ? "_" : $0 })
        guard let found = Self(rawValue: word) ?? Self.synonyms[word] else { return nil }
        self = found
    }
}

// The words of the control interface that commands take.

enum UnitStatus: String, Word {
    case inProduction = "in_production"
    case inStock = "in_stock"
    case delivered, returned, defect, installed, split
    case writtenOff = "written_off"

    static var synonyms: [String: UnitStatus] {
        ["stock": .inStock, "production": .inProduction, "defective": .defect]
    }
}

enum WorkOrderStatus: String, Word { case planned, released, completed, closed, cancelled }

enum DeliveryStatus: String, Word { case open, closed }

enum LabelStatus: String, Word { case queued, sent, printed, failed, cancelled }

enum InspectionStatus: String, Word { case pending, completed, cancelled }

enum ScanResult: String, Word { case accepted, refused, ignored, connected, disconnected }

enum NoticeStatus: String, Word { case pending, dead }

enum ReturnStatus: String, Word { case expected, created, inspecting, completed, cancelled }

enum ItemStatus: String, Word {
    case expected, pending, inspecting, repacking, ready
    case writeOff = "write_off"
    case moved, cancelled

    static var synonyms: [String: ItemStatus] { ["written_off": .writeOff] }
}

enum InventoryAction: String, Word {
    case restock
    case qaApproval = "qa_approval"
    case production, defect, delivery
    case writeOff = "write_off"
    case adjustment, repair
    case supplierRepair = "supplier_repair"
    case consume
    case returnRestock = "return_restock"
    case undo

    static var synonyms: [String: InventoryAction] { ["written_off": .writeOff] }
}

enum WriteOffReason: String, Word {
    case scrap, disposal
    case outletSale = "outlet_sale"
    case defective, destroyed
    case wrongProduct = "wrong_product"
    case expired, lost, other
}

enum WriteOffSource: String, Word {
    case defect, `return`, production
    case inventoryAudit = "inventory_audit"
}

enum GrantName: String, CaseIterable, ExpressibleByArgument {
    case unitsWrite = "units:write"
    case stockAdjust = "stock:adjust"
    case defectsMark = "defects:mark"
    case defectsManage = "defects:manage"
    case returnsManage = "returns:manage"
    case returnsInspect = "returns:inspect"
    case deliver
    case labelsPrint = "labels:print"
    case auditRead = "audit:read"
    case metricsRead = "metrics:read"
    case stationTerminal = "station:terminal"
}

/// By what a scanner is known.
enum Binding: String, Word { case port, serial }
