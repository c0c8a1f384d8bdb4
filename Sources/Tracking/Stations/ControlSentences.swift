import Barcodes

// What an operator is told of a control code that can't be taken as it is.

extension Interlock {
    /// What to say of a control code in small letters.
    func sentence(inCapitals right: String) -> String {
        "Control codes are in capitals: it is \(right). Check Caps Lock and how the scanner is set, then scan it again."
    }

    /// What is wrong with a text that begins as a control code does, and what would be right.
    func sentence(aboutControl text: String, in state: State) -> String {
        switch ControlCode.flaw(of: text) {
        case .unknown:
            return "\(text) is no control code. The control sheet of \(station.name) shows those that work here."
        case .notCapitals(let right): return sentence(inCapitals: right)
        case .needlessArgument(let code): return "\(text) says too much: it is \(code) alone. Scan that."
        case .wrongArgument("TRV:QTY", _):
            return "\(text) can't be read: a quantity is a whole number from 1 to 999,999,999, as in TRV:QTY:12."
        case .wrongArgument(let code, let name):
            return "\(text) can't be read. Scan \(code):<\(name)> from the control sheet."
        case .missingArgument(let code, let name):
            let known: [String] =
                switch code {
                case "TRV:FAIL", "TRV:SCRAP": state.plant.defectTypes.values.filter { !$0.retired }.map(\.code).sorted()
                case "TRV:KIND": ReturnKind.allCases.map(\.rawValue)
                case "TRV:REASON": ReturnReason.allCases.map(\.rawValue)
                case "TRV:COND": ReturnCondition.allCases.map(\.rawValue)
                default: []
                }
            let some = known.prefix(12).joined(separator: ", ") + (known.count > 12 ? ", ..." : "")
            return "\(text) lacks its \(name): scan \(code):<\(name)>." + (known.isEmpty ? "" : " There are \(some).")
        }
    }
}
