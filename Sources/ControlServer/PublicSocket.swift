import ControlAPI
import Glibc

/// Why the socket of the control interface could not be made, and what to do.
public struct SocketError: Error, Sendable, CustomStringConvertible {
    /// What happened and what to do.
    public let description: String
}

/// The place of a socket to which everybody may connect.
///
/// It is bound under another name beside its own, given its mode, and only then moved: whoever finds it under its own
/// name finds it as it is to be, and a stale one is replaced in one step.
struct PublicSocket: Sendable {
    let path: String
    /// Where it is bound.
    let hiddenPath: String

    init(_ path: String) throws {
        guard path.utf8.count <= ControlSocket.pathLimit, let last = path.last, last != "/" else {
            throw SocketError(
                description:
                    "cannot make a socket at \(path): a path of 1 to \(ControlSocket.pathLimit) bytes is needed")
        }
        self.path = path
        // No longer than the path itself, which may be as long as allowed.
        hiddenPath = path.dropLast() + (last == "~" ? "-" : "~")
    }

    /// Makes the bound socket reachable.
    func publish() throws {
        guard chmod(hiddenPath, 0o666) == 0, rename(hiddenPath, path) == 0 else {
            let reason = String(cString: strerror(errno))
            unlink(hiddenPath)
            throw SocketError(description: "cannot make the socket \(path): \(reason)")
        }
    }

    func remove() {
        unlink(hiddenPath)
        unlink(path)
    }
}
