using System.Net;

namespace Orders.ServiceDefaults.Protection;

/// <summary>Who a request is from, for limits that hold for each client.</summary>
public static class Client
{
    private const int NetworkLength = 8;

    /// <summary>
    /// The client's address. Of IPv6 it is the network of 64 bits, for that is the least that one client gets
    /// (<see href="https://www.rfc-editor.org/rfc/rfc6177">RFC 6177</see>): with an address for each request it would have no limit.
    /// </summary>
    public static IPAddress Of(HttpContext http) => http.Connection.RemoteIpAddress switch
    {
        null => IPAddress.None,
        { IsIPv4MappedToIPv6: true } mapped => mapped.MapToIPv4(),
        { AddressFamily: System.Net.Sockets.AddressFamily.InterNetworkV6 } address => NetworkOf(address),
        var address => address,
    };

    private static IPAddress NetworkOf(IPAddress address)
    {
        var bytes = address.GetAddressBytes();
        bytes.AsSpan(NetworkLength).Clear();
        return new IPAddress(bytes);
    }
}
