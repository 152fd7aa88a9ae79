using System.Reflection;
using VmSim.Core.Addresses;
using VmSim.Core.Checking;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Kernel.Locks;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Settings;
using VmSim.Core.Shootdown;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Tests.Addresses;

/// <summary>What a caller of the engine, and a part of one's own, sees says by its type what a number is.</summary>
public sealed class SeamTypeTests
{
    private static readonly HashSet<string> Times = new(StringComparer.OrdinalIgnoreCase)
    {
        "after", "at", "began", "begin", "begun", "bound", "clock", "cycles", "delay", "due", "duration", "end", "ended", "handler", "hold",
        "latency", "limit", "now", "period", "since", "staleness", "start", "started", "time", "until", "visibility", "wait", "warmup",
        "window",
    };

    private static readonly HashSet<string> Ids = new(StringComparer.OrdinalIgnoreCase) { "core", "initiator", "space", "thread" };

    private static readonly HashSet<string?> Rooms =
    [
        typeof(TranslationChecker).Namespace, typeof(World).Namespace, typeof(AddressSpace).Namespace, typeof(VirtualLock).Namespace,
        typeof(RunReport).Namespace, typeof(IShootdownProtocol).Namespace, typeof(Delays).Namespace, typeof(ThreadProgram).Namespace,
    ];

    [Fact]
    public void PublicMembers_NamedAsTimesAndIds_AreNoPlainNumbers()
    {
        List<string> plain =
        [
            .. typeof(IShootdownProtocol).Assembly.GetExportedTypes()
                .Where(type => Rooms.Contains(type.Namespace))
                .SelectMany(PlainMembers),
        ];
        Assert.True(plain.Count == 0, string.Join('\n', plain));
    }

    [Fact]
    public void PlainMembers_OfATypeThatHasSome_AreFound() => Assert.Equal(
        ["Planted.EndedAt", "Planted.LeaveCycles", "Planted.Tell(core)", "Planted.Tell(delay)"],
        PlainMembers(typeof(Planted)).Order(StringComparer.Ordinal));

    private static IEnumerable<string> PlainMembers(Type type)
    {
        const BindingFlags Own = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        // Settings are plain numbers (docs/architecture.md).
        foreach (PropertyInfo property in type.GetProperties(Own).Where(property =>
            IsPlain(property.Name, property.PropertyType) && property.GetCustomAttribute<SettingAttribute>() is null))
        {
            yield return $"{type.Name}.{property.Name}";
        }

        foreach (FieldInfo field in type.GetFields(Own).Where(field => IsPlain(field.Name, field.FieldType)))
        {
            yield return $"{type.Name}.{field.Name}";
        }

        foreach (MethodInfo method in type.GetMethods(Own).Where(method => !method.IsSpecialName))
        {
            if (IsPlain(method.Name, method.ReturnType))
            {
                yield return $"{type.Name}.{method.Name}";
            }

            foreach (ParameterInfo parameter in method.GetParameters().Where(own => IsPlain(own.Name!, own.ParameterType)))
            {
                yield return $"{type.Name}.{method.Name}({parameter.Name})";
            }
        }
    }

    /// <summary>Whether the last word of a name says a time or an id and its type does not.</summary>
    private static bool IsPlain(string name, Type type)
    {
        Type bare = type.IsByRef ? type.GetElementType()! : type;
        bare = Nullable.GetUnderlyingType(bare) ?? bare;
        string last = name[Math.Max(0, name.AsSpan().LastIndexOfAnyInRange('A', 'Z'))..];
        return (bare == typeof(long) || bare == typeof(int)) && (Times.Contains(last) || Ids.Contains(last));
    }

    private interface Planted
    {
        long EndedAt { get; }

        int PendingAcks { get; }

        CoreId Target { get; }

        long LeaveCycles();

        void Tell(int core, long delay, Cycles time, SpaceId space, long generation);
    }
}
