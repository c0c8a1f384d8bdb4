import NIOCore
import NIOHTTP1
import Synchronization

/// What one connection may take of the daemon's time and memory.
struct HTTPLimits: Sendable {
    /// Bytes of one header, and of the address.
    static let fieldSize = 16 << 10
    /// Bytes of a whole head.
    static let headSize = 32 << 10
    /// Headers of a request.
    static let fieldCount = 100

    /// How long a connection may be quiet between two requests.
    var idle = TimeAmount.seconds(60)
    /// How long a head may take from its first byte.
    var head = TimeAmount.seconds(15)
    /// How long a body may take as a whole.
    var body = TimeAmount.seconds(60)
    /// How long a reader may take nothing of an answer that waits for it.
    var stall = TimeAmount.seconds(60)
    /// How long the rest of what a client sends is passed over, after its last answer.
    var linger = TimeAmount.seconds(5)
    /// Bytes of an unwanted body that are passed over before the connection is closed instead.
    var passedOver = 16 << 20

    static var decoder: NIOHTTPDecoderLimitConfiguration {
        var limits = NIOHTTPDecoderLimitConfiguration()
        (limits.maxHeaderFieldSize, limits.maxHeaderListSize) = (fieldSize, headSize)
        limits.maxHeaderFieldCount = fieldCount
        return limits
    }
}

/// Memory that all connections share: what they hold beyond a small part that each always has.
final class MemoryBudget: Sendable {
    /// What a connection holds without being counted, so that scans go through whoever else sends what.
    static let free = 16 << 10

    private struct Held {
        var total = 0
        var byUser: [UInt32?: Int] = [:]
    }
    private let held = Mutex(Held())
    private let total: Int
    private let perUser: Int

    /// - Parameters:
    ///   - total: bytes for all connections together.
    ///   - perUser: bytes for the connections of one user.
    init(total: Int, perUser: Int) { (self.total, self.perUser) = (total, perUser) }

    /// Bytes that are counted now.
    var bytes: Int { held.withLock(\.total) }

    /// Takes bytes for a connection of a user, or takes none and returns false where there are not so many.
    func take(_ bytes: Int, for user: UInt32?) -> Bool {
        held.withLock { held in
            guard held.total + bytes <= total, held.byUser[user, default: 0] + bytes <= perUser else { return false }
            held.total += bytes
            held.byUser[user, default: 0] += bytes
            return true
        }
    }

    /// Gives back what was taken.
    func giveBack(_ bytes: Int, of user: UInt32?) {
        held.withLock { held in
            held.total -= bytes
            let left = held.byUser[user, default: 0] - bytes
            held.byUser[user] = left > 0 ? left : nil
        }
    }
}

/// What one connection holds of a budget. Belongs to the connection's event loop.
struct Holding: ~Copyable {
    private let budget: MemoryBudget
    private let user: UInt32?
    private var counted = 0

    init(_ budget: MemoryBudget, user: UInt32?) { (self.budget, self.user) = (budget, user) }

    deinit { if counted > 0 { budget.giveBack(counted, of: user) } }

    /// Says how many bytes are held from now on; returns false, and leaves it as it was, where there is no room for them.
    mutating func hold(_ bytes: Int) -> Bool {
        let wanted = max(0, bytes - MemoryBudget.free)
        if wanted > counted {
            guard budget.take(wanted - counted, for: user) else { return false }
        } else if wanted < counted {
            budget.giveBack(counted - wanted, of: user)
        }
        counted = wanted
        return true
    }
}
