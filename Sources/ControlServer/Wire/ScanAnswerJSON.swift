import ControlAPI
public import Tracking

extension ScanAnswer {
    /// The answer as it is sent, keys in order. Written by hand: every scan of the line comes past here.
    public var jsonBytes: [UInt8] {
        var json = FlatObject()
        json.add(#"{"at":"#, Timestamp.text(at))
        json.add(#","code":"#, code)
        json.add(#","colour":"#, colour.rawValue)
        if event != 0 { json.add(#","event":"#, String(event)) }
        if let counts {
            json.add(#","in_production":"#, counts.inProduction)
            json.add(#","in_repacking":"#, counts.inRepacking)
            json.add(#","in_stock":"#, counts.inStock)
        }
        if let iteration { json.add(#","iteration":"#, iteration) }
        json.add(#","message":"#, message)
        json.add(#","next":"#, next)
        json.add(#","operator":"#, person)
        json.add(#","product":"#, product)
        json.add(#","reason":"#, reason?.rawValue)
        json.add(#","result":"#, result.rawValue)
        json.add(#","serial":"#, serial)
        json.add(#","stage":"#, stage)
        json.add(#","station":"#, station)
        json.add(#","status":"#, status?.rawValue)
        json.add(#","warning":"#, warning)
        json.add(#","word":"#, outcome.rawValue)
        json.add(#","work_order":"#, workOrder)
        return json.closed
    }

    /// The answer for a caller to whom the unit does not exist.
    var redactedBytes: [UInt8] {
        var json = FlatObject()
        json.add(#"{"at":"#, Timestamp.text(at))
        json.add(#","message":"#, "a unit outside your scope")
        json.add(#","result":"#, result.rawValue)
        json.add(#","station":"#, station)
        return json.closed
    }
}

/// The bytes of a JSON object without anything nested in it.
private struct FlatObject {
    private var bytes: [UInt8] = []

    init() { bytes.reserveCapacity(512) }

    /// Adds a key that is written out with what stands around it, and a text; nothing where there is none.
    mutating func add(_ key: StaticString, _ text: String?) {
        guard var text else { return }
        add(key)
        let isPlain = text.withUTF8 { utf8 in
            guard utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }) else { return false }
            bytes.append(UInt8(ascii: "\""))
            bytes.append(contentsOf: utf8)
            bytes.append(UInt8(ascii: "\""))
            return true
        }
        if !isPlain { JSONValue.string(text).write(into: &bytes) }
    }

    mutating func add(_ key: StaticString, _ number: Int) {
        add(key)
        bytes.append(contentsOf: String(number).utf8)
    }

    private mutating func add(_ key: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount))
    }

    var closed: [UInt8] { bytes + [UInt8(ascii: "}")] }
}
