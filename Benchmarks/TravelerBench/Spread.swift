import CBaseline

/// How long something took, over many times.
struct Spread: Codable {
    var p50_ms: Double
    var p99_ms: Double

    /// The spread of times in nanoseconds, by nearest rank.
    init(_ times: [Int64]) {
        let sorted = times.sorted()
        func rank(_ share: Double) -> Double {
            guard !sorted.isEmpty else { return 0 }
            let index = Int((Double(sorted.count) * share).rounded(.up)) - 1
            return Double(sorted[min(max(index, 0), sorted.count - 1)]) / 1e6
        }
        (p50_ms, p99_ms) = (rank(0.5), rank(0.99))
    }

    private init(p50: Double, p99: Double) {
        (p50_ms, p99_ms) = (p50, p99)
    }

    /// The median of several runs, of each number apart.
    static func median(_ spreads: [Spread]) -> Spread {
        Spread(p50: spreads.map(\.p50_ms).median, p99: spreads.map(\.p99_ms).median)
    }
}

extension [Double] {
    /// The middle one; 0 of none.
    var median: Double { isEmpty ? 0 : sorted()[count / 2] }
}

/// What could not be measured, and why.
struct Failure: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// Calls what answers a negative number and writes a sentence when it fails.
@discardableResult
func checked<Answer: SignedInteger>(_ body: (UnsafeMutablePointer<CChar>) -> Answer) throws -> Answer {
    var problem = [CChar](repeating: 0, count: Int(baseline_problem_size))
    let answer = problem.withUnsafeMutableBufferPointer { buffer in buffer.baseAddress.map(body) ?? -1 }
    guard answer >= 0 else {
        throw Failure(String(decoding: problem.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
    }
    return answer
}
