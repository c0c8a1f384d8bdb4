public import Barcodes
public import Tracking

/// The values of a label's fields, as `LabelTemplate.filled(copy:with:)` asks for them by name.
///
/// - Parameters:
///   - serial: serial of the unit, or of the label that is to become one.
///   - iteration: how many times the unit was sent back.
///   - order: the work order that it is made under.
///   - time: when the label is made, in milliseconds since 1970.
///   - zone: rules of the plant's time zone.
/// - Returns: the value of a field of `LabelTemplate.fields`; nil where there is nothing to print.
public func labelFields(
    serial: String, iteration: Int, product: Product, order: WorkOrder?, time: Int64, zone: TimeZoneRules
) -> @Sendable (_ field: String) -> String? {
    let attributes = "product.attributes."
    return { field in
        switch field {
        case "serial": serial
        case "product.code": product.code
        case "product.name": product.name
        case "product.gtin": product.gtin
        case "order": order?.number
        case "order.due": order?.due
        case "iteration": String(iteration)
        case "date": zone.localDate(atUnixSeconds: wholeSeconds(time)).description
        case "time": clockTime(wholeSeconds(time), zone)
        case _ where field.hasPrefix(attributes): product.attributes[String(field.dropFirst(attributes.count))]
        default: nil
        }
    }
}

/// Whole seconds of a time in milliseconds, also before 1970.
private func wholeSeconds(_ milliseconds: Int64) -> Int64 {
    milliseconds >= 0 ? milliseconds / 1_000 : (milliseconds - 999) / 1_000
}

/// The time of day there, as `14:05`.
public func clockTime(_ seconds: Int64, _ zone: TimeZoneRules) -> String {
    let local = Int(seconds) + zone.offset(atUnixSeconds: seconds)
    let minutes = (local % 86_400 + 86_400) % 86_400 / 60
    func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : String(number) }
    return twoDigits(minutes / 60) + ":" + twoDigits(minutes % 60)
}
