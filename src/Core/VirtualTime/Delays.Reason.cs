using System.Globalization;
using VmSim.Core.Addresses;

namespace VmSim.Core.VirtualTime;

/// <content>What bounds the window, in words.</content>
public sealed partial class Delays
{
    /// <summary>
    /// What <see cref="WindowBound"/> follows from: the quickest way from a core to a memory set and from there to a core, or a message
    /// that the protocol has from core to core.
    /// </summary>
    public string WindowBoundReason
    {
        get
        {
            if (WindowBound < CoreToSpace + Service + SpaceToCore)
            {
                return $"{NameOf(MessageDirection.CoreToCore, WindowBound)} from core to core";
            }

            string there = CoreToSpace == SystemCall ? Words("a system call", SystemCall)
                : CoreToSpace == Trap ? Words("a trap", Trap)
                : CoreToSpace == Notice ? Words("an acknowledgement", Notice)
                : NameOf(MessageDirection.CoreToSpace, CoreToSpace);
            string back = SpaceToCore == Return ? Words("a return", Return)
                : SpaceToCore == _ipi ? Words("an IPI", _ipi)
                : NameOf(MessageDirection.SpaceToCore, SpaceToCore);
            return $"{there} to a memory set, {Words("service", Service)} there, {back} to a core";
        }
    }

    private string NameOf(MessageDirection direction, Cycles delay)
    {
        ProtocolMessage message = _protocol.First(one => one.Direction == direction && one.LeastDelay == delay);
        return Words($"the protocol's \"{message.Name}\"", delay);
    }

    private static string Words(string what, Cycles delay) =>
        string.Create(CultureInfo.InvariantCulture, $"{what} of {delay.Value:N0} cycles");
}
