using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace Orders.FaultQueues.Access;

/// <summary>Those who may sign in.</summary>
public sealed class FaultUsers(IOptions<FaultsOptions> options)
{
    private readonly IReadOnlyList<(byte[] Hash, ClaimsPrincipal Principal)> _users =
    [
        .. options.Value.Users.Select(user => (
            SHA256.HashData(Encoding.UTF8.GetBytes($"{user.Name}:{user.Password}")), PrincipalOf(user.Name, user.Role))),
    ];

    /// <summary>Whether there is anybody.</summary>
    public bool Any => _users.Count > 0;

    /// <summary>What they sign in as.</summary>
    public IEnumerable<string> Names { get; } = [.. options.Value.Users.Select(user => user.Name)];

    /// <summary>The name in what a browser sends, whosever it is; <c>null</c> where there is no colon.</summary>
    public static string? NameIn(ReadOnlySpan<byte> credentials) =>
        credentials.IndexOf((byte)':') is >= 0 and var end ? Encoding.UTF8.GetString(credentials[..end]) : null;

    /// <summary>Finds a user by what a browser sends: the name, a colon, the password, in UTF-8.</summary>
    /// <remarks>
    /// The time that it takes tells nothing of how near a guess was: hashes of one length are compared to their ends,
    /// those of every user.
    /// </remarks>
    public ClaimsPrincipal? Find(ReadOnlySpan<byte> credentials)
    {
        Span<byte> given = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(credentials, given);

        ClaimsPrincipal? found = null;
        foreach (var (hash, principal) in _users)
        {
            found = CryptographicOperations.FixedTimeEquals(hash, given) ? principal : found;
        }

        return found;
    }

    internal static ClaimsPrincipal PrincipalOf(string name, FaultRole role) => new(new ClaimsIdentity(
        [
            new(ClaimTypes.Name, name),
            new(ClaimTypes.Role, FaultAccess.Reader),
            .. role == FaultRole.Operator ? [new Claim(ClaimTypes.Role, FaultAccess.Operator)] : Array.Empty<Claim>(),
        ],
        FaultAccess.Scheme));
}
