import Barcodes

// What a serial means at a station, and what keeps its unit from going on.

extension Interlock {
    /// Refuses a count that says no number of pieces, and one with a serial: a serial is one piece.
    func checkCount(of item: CodedItem) throws(Stop) {
        guard let count = item.count else { return }
        guard let pieces = item.pieces else {
            throw Stop(
                reason: .unknownCode,
                message:
                    "The code says \(count.isEmpty ? "no number of" : count) pieces; a count is a whole number from 1 to 999,999,999. "
                    + "Scan another code of it.")
        }
        if let serial = item.serial, pieces > 1 {
            throw Stop(
                reason: .unknownCode,
                message:
                    "The code says \(pieces) pieces and the serial \(serial), which is one. Scan each unit by itself.")
        }
    }

    /// A count in the code is what `TRV:QTY` is before it.
    mutating func takeCount(of item: CodedItem) throws(Stop) {
        guard let pieces = item.pieces else { return }
        if let quantity = session.quantity, quantity != pieces {
            session.quantity = nil
            throw Stop(
                reason: .unknownCode,
                message: "TRV:QTY said \(quantity), the code says \(pieces). Count them, then scan the quantity and "
                    + "the product's code.")
        }
        session.quantity = pieces
    }

    mutating func decide(
        serial: String, of product: CodedItem.Product?, in state: inout State
    ) throws(Stop) -> String {
        if station.mode == .label { return try scanBack(serial, of: product, in: &state) }
        if station.mode == .ship { _ = try deliveryToFill(&state, serial) }
        if station.mode == .verdict, let onBench = try unitOnBench(&state) {
            if onBench.serial == serial {
                try requireLabel(product, of: onBench, state)
                throw Stop(
                    reason: .alreadyDone, message: "\(serial) is on the bench already. Now scan the verdict.",
                    serial: serial, next: onBench.state.next)
            }
            throw Stop(
                reason: .benchBusy,
                message:
                    "\(onBench.serial) is on the bench. Give its verdict, or scan TRV:CANCEL, then scan \(serial).",
                serial: serial)
        }
        if station.mode == .returns, session.returning?.order == nil, state.unit(serial)?.state.status != .returned {
            throw Stop(
                reason: .noOpenOrder, message: "No order is open. Scan TRV:ORDER:<number> first.", serial: serial)
        }
        let unit = try known(serial, of: product, in: &state)
        self.serial = serial
        switch station.mode {
        case .pass:
            let stage = try stageHere(unit, in: state)
            return perform(stage, on: unit, in: state)
        case .verdict: return try putOnBench(unit, in: state)
        case .ship: return try ship(unit, in: &state)
        case .lookup:
            session.lastSerial = unit.serial
            let found = unit.state.defectCase.map { " It is in defect case \($0)." } ?? ""
            return "\(serial): \(unit.state.sentence)\(found)"
        case .returns: return try decide(returned: unit, in: &state)
        case .label: throw Stop(reason: .notHere, message: "\(station.name) takes labels.", serial: serial)
        }
    }

    /// Whether a unit lies outside the scope of the one at a terminal.
    func isHidden(_ unit: Unit) -> Bool { terminal.map { !$0.sees(unit) } ?? false }

    /// The unit with this serial, whatever its status.
    private func known(
        _ serial: String, of product: CodedItem.Product?, in state: inout State
    ) throws(Stop) -> Unit {
        if let unit = state.unit(serial) {
            if station.mode != .lookup || !isHidden(unit) {
                try requireLabel(product, of: unit, state)
                return unit
            }
        } else if let label = state.pendingLabel(serial), !label.voided {
            try requireLabel(product, toName: label.product, "the label \(serial) was made for another product", state)
            throw Stop(
                reason: .labelUnverified,
                message: "The label \(serial) was never scanned back. Scan it at a label station first.",
                serial: serial, next: "label")
        }
        if state.plant.product(named: serial) != nil {
            throw Stop(reason: .unknownSerial, message: "\(serial) is a product. Scan the serial of the unit.")
        }
        // Whether there is no such unit, or it is another's, is the same for who sees only some.
        let advice =
            station.mode != .lookup || terminal.map { $0.scope == .all } ?? true
            ? "No unit has the serial \(serial). Check the label."
            : "There is no unit \(serial) that you may see. Your team lead can tell you more."
        throw Stop(reason: .unknownSerial, message: advice)
    }

    /// Refuses a unit's serial with the GTIN or the code of another product, or of one that nobody has here: it is another
    /// serial.
    func requireLabel(_ product: CodedItem.Product?, of unit: Unit, _ state: State) throws(Stop) {
        let truth = "\(unit.serial) is a unit of \(isHidden(unit) ? "another product" : unit.product)"
        try requireLabel(product, toName: unit.product, truth, state)
    }

    /// Refuses the GTIN or the code in a label that does not name this product.
    ///
    /// - Parameter truth: what is the product's.
    func requireLabel(
        _ product: CodedItem.Product?, toName code: String, _ truth: String, _ state: State
    ) throws(Stop) {
        guard let product else { return }
        let isNamed =
            switch product {
            case .gtin(let gtin): state.plant.products[code]?.gtin == gtin
            case .code(let name): name == code
            }
        if isNamed { return }
        let named = state.plant.product(of: product)?.code
        throw Stop(
            reason: .unknownSerial,
            message: "The label says \(named ?? product.text)\(named == nil ? ", which is no product here" : ""), "
                + "but \(truth). Set it aside, ask your team lead.")
    }

    /// Refuses a unit that is past production, or not yet, with where it belongs.
    func require(_ wanted: Status, _ unit: Unit) throws(Stop) {
        let status = unit.state.status
        if status == wanted { return }
        let (reason, message): (Reason, String) =
            switch status {
            case .defect: (.isDefect, "is defective. Take it to the defect shelf.")
            case .delivered: (.isDelivered, "was delivered. If it came back, receive it at a returns station.")
            case .returned: (.isReturned, "came back from a customer and waits for its inspection.")
            case .installed: (.isInstalled, "is built into another unit.")
            case .split: (.isInstalled, "is a panel that was taken apart.")
            case .writtenOff: (.isWrittenOff, "was written off. It must not be used.")
            case .inProduction: (.wrongStage, "is not finished. It goes to \(unit.state.stage ?? "production").")
            case .inStock: (.notHere, "is finished and belongs into stock.")
            }
        throw Stop(reason: reason, message: "\(unit.serial) \(message)", serial: unit.serial, next: unit.state.next)
    }

    func requireFree(_ unit: Unit) throws(Stop) {
        if unit.state.onHold {
            throw Stop(
                reason: .onHold, message: "\(unit.serial) is on hold. Set it aside until your team lead releases it.",
                serial: unit.serial, next: unit.state.next)
        }
    }
}

extension UnitState {
    /// The state in a few words.
    var sentence: String {
        let place =
            switch status {
            case .inProduction: "in production, next stage \(stage ?? "-")"
            case .inStock: "in stock"
            case .delivered: "delivered"
            case .returned: "returned"
            case .defect: failedStage.map { "defective, failed \($0)" } ?? "defective"
            case .installed: "built into another unit"
            case .split: "taken apart"
            case .writtenOff: "written off"
            }
        return place + (onHold ? ", on hold." : ".")
    }
}
