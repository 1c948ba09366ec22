<?php

// Symfony's MemcachedSessionHandler, on a memcached, by the extension of PHP.

require_once 'Symfony/Component/HttpFoundation/autoload.php';

use Symfony\Component\HttpFoundation\Session\Storage\Handler\MemcachedSessionHandler;

return [
    'name' => 'Symfony MemcachedSessionHandler',
    'version' => '5.4',
    'capabilities' => ['persistent' => true, 'shared' => true, 'clear_expired' => 'automatic'],
    'open' => function (string $dir, bool $fresh) {
        [$host, $port] = explode(':', getenv('SERVER'));
        $memcached = new Memcached();
        $memcached->addServer($host, (int) $port);
        return new MemcachedSessionHandler($memcached);
    },
];
