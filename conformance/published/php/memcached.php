<?php

// Symfony's MemcachedSessionHandler, on a memcached, by the extension of PHP.

require_once 'Symfony/Component/HttpFoundation/autoload.php';

use Symfony\Component\HttpFoundation\Session\Storage\Handler\MemcachedSessionHandler;

return [
    'name' => 'Symfony MemcachedSessionHandler',
    'version' => '5.4',
    'capabilities' => ['persistent' => true, 'shared' => true, 'clear_expired' => 'automatic', 'other_storage' => true],
    'hooks' => ['second-process'],
    'open' => function (string $dir, bool $fresh, string $site) {
        [$host, $port] = explode(':', getenv('SERVER'));
        $memcached = new Memcached();
        $memcached->addServer($host, (int) $port);
        return new MemcachedSessionHandler($memcached, ['prefix' => "$site:"]);
    },
];
