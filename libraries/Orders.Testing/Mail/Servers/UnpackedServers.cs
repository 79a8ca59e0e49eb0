using Orders.Testing.Machine;

namespace Orders.Testing.Mail.Servers;

/// <summary>
/// Mail servers whose packages cannot be installed beside each other. <c>ORDERS_TEST_MAIL_SERVERS</c> names a folder into which
/// they are unpacked with the libraries that they need, as <c>.ci/run</c> does. Each server gets a copy, which is the whole file system
/// for it: it then finds its users and folders where it was built to look for them.
/// </summary>
internal static class UnpackedServers
{
    private static readonly string? Given = Environment.GetEnvironmentVariable("ORDERS_TEST_MAIL_SERVERS");
    private static readonly TimeSpan CommandTime = TimeSpan.FromSeconds(30);

    /// <summary>Skips the calling test, or fails it with <c>CI=true</c>, where a program is not unpacked.</summary>
    /// <param name="program">Its path within the folder.</param>
    /// <param name="package">The Debian package that has it.</param>
    public static void Require(string program, string package)
    {
        if (Given is null || !File.Exists(Path.Join(Given, program)))
        {
            Needs.Missing($"No {package} in the folder that ORDERS_TEST_MAIL_SERVERS names. .ci/run shows how to unpack it.");
        }
    }

    /// <summary>Copies all into an empty folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="users">The users that there are beside root, each with a group of the same name and number.</param>
    public static async Task CopyAsync(string folder, params IReadOnlyList<(string Name, int Id)> users)
    {
        // Links take no time. They need the same file system.
        await Command.RunAsync("sh", ["-c", """cp -al "$1" "$2" 2> /dev/null || cp -a "$1" "$2" """, "sh", Path.Join(Given, "."), folder], CommandTime);
        // What is written there must be nobody else's.
        Directory.Delete(Path.Combine(folder, "etc"), recursive: true);
        foreach (var name in new[] { "dev", "etc", "run", "tmp", "var/log", "var/mail", "var/spool", "var/run", "var/lib" })
        {
            Directory.CreateDirectory(Path.Combine(folder, name));
        }

        await Command.RunAsync("mknod", ["-m", "666", Path.Combine(folder, "dev", "null"), "c", "1", "3"], CommandTime);
        await Command.RunAsync("mknod", ["-m", "666", Path.Combine(folder, "dev", "urandom"), "c", "1", "9"], CommandTime);
        var all = users.Prepend(("root", 0)).ToList();
        await WriteAsync("etc/passwd", all.Select(user => $"{user.Item1}:x:{user.Item2}:{user.Item2}::/var/lib/empty:/bin/sh"));
        await WriteAsync("etc/group", all.Select(user => $"{user.Item1}:x:{user.Item2}:"));
        await WriteAsync("etc/shadow", all.Select(user => $"{user.Item1}:*:0:0:::::"));
        await WriteAsync("etc/nsswitch.conf", ["passwd: files", "group: files", "shadow: files", "hosts: files"]);
        await WriteAsync("etc/hosts", ["127.0.0.1 localhost"]);

        Task WriteAsync(string name, IEnumerable<string> lines) => File.WriteAllLinesAsync(Path.Combine(folder, name), lines);
    }

    /// <summary>Makes a folder that belongs to a user.</summary>
    public static async Task CreateAsync(string folder, int owner)
    {
        Directory.CreateDirectory(folder);
        await Command.RunAsync("chown", [$"{owner}:{owner}", folder], CommandTime);
    }
}
