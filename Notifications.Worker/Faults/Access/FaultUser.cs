namespace Notifications.Worker.Faults.Access;

/// <summary>Settings <c>Faults:Users:0</c> and so on: somebody who may sign in.</summary>
public sealed class FaultUser
{
    /// <summary>What the user signs in with, and is called in the audit trail.</summary>
    public string Name { get; set; } = "";

    /// <summary>What the user may do; where nothing is said, to look.</summary>
    public FaultRole Role { get; set; } = FaultRole.Reader;

    /// <summary>The password, unless it is in <see cref="PasswordFile"/>.</summary>
    public string? Password { get; set; }

    /// <summary>A file that holds the password, such as a Docker secret. Line ends after it are not a part of it.</summary>
    public string? PasswordFile { get; set; }

    /// <summary>The password, wherever it is.</summary>
    internal string ReadPassword() =>
        string.IsNullOrEmpty(PasswordFile) ? Password! : File.ReadAllText(PasswordFile).TrimEnd('\r', '\n');

    /// <summary>What is wrong with the password, as the end of a sentence about its file; <c>null</c> where nothing is.</summary>
    internal string? FindPasswordMistake()
    {
        try
        {
            return ReadPassword().Length == 0 ? "must not be an empty file." : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return $"cannot be read: {exception.Message}";
        }
    }
}

/// <summary>What a user may do.</summary>
public enum FaultRole
{
    /// <summary>Look.</summary>
    Reader,

    /// <summary>Look and act.</summary>
    Operator,
}
