/// Where daemon and command line meet.
public enum ControlSocket {
    /// The socket of the service.
    public static let defaultPath = "/run/traveler/control.sock"
    /// The environment variable that names another one.
    public static let variable = "TRAVELER_SOCKET"
    /// How many bytes the path of a Unix socket may have on Linux.
    public static let pathLimit = 103

    /// The socket to use: the option, else the environment, else the service's.
    public static func path(option: String?, environment: String?) -> String {
        option ?? environment.flatMap { $0.isEmpty ? nil : $0 } ?? defaultPath
    }
}
