import Barcodes
import ControlAPI
import ControlServer
import FoundationEssentials
import Ledger
import Logging
import Tracking

/// The daemon's own code behind a scenario: the ledger and the control interface, without a socket or a device.
struct ScenarioFloor {
    let ledger: Ledger
    let clock: ScenarioClock
    let control: Control
    let folder: String
    let siteOverride: String?

    /// Between one line and the next.
    static let pause: Int64 = 2_000

    init(ledger: Ledger, clock: ScenarioClock, folder: String, siteOverride: String?) {
        (self.ledger, self.clock, self.folder, self.siteOverride) = (ledger, clock, folder, siteOverride)
        control = Control(
            ledger: ledger, version: Release.version, startedAt: clock.now, clock: { clock.now },
            logger: Logger(label: "scenario") { _ in SwiftLogNoOpLogHandler() })
    }

    func run(_ line: ScenarioLine) async throws -> ScenarioResult {
        switch line.step {
        case .clock, .wait: clock.wait(line.delay ?? 0)
        default: clock.wait(line.delay ?? Self.pause)
        }
        switch line.step {
        case .site(let file): return try await apply(file)
        case .clock(let time):
            clock.set(time)
            return ScenarioResult(result: "", body: nil, text: "")
        case .wait(let time):
            clock.wait(time)
            return ScenarioResult(result: "", body: nil, text: "")
        case .scan(let station, let code): return await scan(station, code)
        case .request(let login, let method, let path, let body):
            return await request(
                Caller(uid: 1, login: login, isAdmin: login == "root"), method, path, body.map { Array($0.utf8) } ?? [])
        case .unit(let serial): return await request(.root, "GET", "/v1/units/" + Self.escaped(serial))
        case .card(let code): return await request(.root, "GET", "/v1/products/" + Self.escaped(code))
        }
    }

    private func apply(_ file: String) async throws -> ScenarioResult {
        let path = siteOverride ?? (file.hasPrefix("/") ? file : folder + "/" + file)
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ScenarioLine.Malformed(message: "cannot read the site file \(path)")
        }
        let result = await request(.root, "PUT", "/v1/site", Array(data))
        guard result.result == "200" else { throw ScenarioLine.Malformed(message: "\(path): \(result.text)") }
        return result
    }

    private func scan(_ station: String, _ code: String) async -> ScenarioResult {
        do {
            let isTooLong = code.unicodeScalars.count > Frame.maximumLength
            let scan =
                isTooLong
                ? Scan(station: station, text: String(code.prefix(Frame.maximumLength)), broken: "it is too long")
                : Scan(station: station, text: code, code: Code(frame: code))
            let answer = try await ledger.scan(scan, by: .device("scenario"), device: "scenario")
            let bytes = answer.jsonBytes
            return ScenarioResult(
                result: answer.result.rawValue, body: try? JSONValue(json: bytes),
                text: String(decoding: bytes, as: UTF8.self))
        } catch let refusal as Refusal {
            return ScenarioResult(result: "error", body: nil, text: refusal.message)
        } catch {
            return ScenarioResult(result: "error", body: nil, text: "\(error)")
        }
    }

    private func request(
        _ caller: Caller, _ method: String, _ path: String, _ body: [UInt8] = []
    ) async -> ScenarioResult {
        let response = await control.answer(ControlRequest(method, path, body: body), from: caller)
        guard case .bytes(let bytes) = response.body else {
            return ScenarioResult(result: "\(response.status)", body: nil, text: "a stream")
        }
        return ScenarioResult(
            result: "\(response.status)", body: try? JSONValue(json: bytes),
            text: String(decoding: bytes, as: UTF8.self))
    }

    /// A path segment with everything but letters, digits and `-._~` as `%XX`.
    static func escaped(_ segment: String) -> String {
        var result = ""
        for byte in segment.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default: result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return result
    }
}

extension Caller {
    static let root = Caller(uid: 0, login: "root", isAdmin: true)
}
